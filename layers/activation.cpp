#include "layers/activation.h"

namespace moe {

static Tensor nonlinear(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kSwiglu:
      return at::silu(x);
    case Activation::kGeglu:
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kReglu:
    case Activation::kRelu:
      return at::relu(x);
  }
  TORCH_CHECK(false, "activation ", static_cast<int>(activation), " is not in the list");
}

Tensor activate(const Tensor& projected, Activation activation) {
  if (!is_gated(activation)) {
    return nonlinear(projected, activation);
  }
  const auto halves = projected.chunk(2, -1);
  return nonlinear(halves[0], activation) * halves[1];
}

}  // namespace moe
