#include "gates/routing.h"

#include "layers/shapes.h"

namespace moe {

Routing Routing::dense(const Tensor& weight) {
  check_shape(weight, {-1, -1}, "dense routing weight");
  Routing routing;
  routing.expert =
      at::arange(weight.size(1), weight.options().dtype(at::kLong).requires_grad(false))
          .expand(weight.sizes());  // [T, E]
  routing.weight = weight;
  return routing;
}

Tensor Routing::live() const {
  const auto chosen = expert != kEmpty;
  return skip_zeros ? chosen & (weight != 0) : chosen;
}

at::ScalarType gate_dtype(const Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

Tensor flush_tiny(const Tensor& weight) {
  // Not `weight >= 1e-30`: what is not a number has to stay visible.
  return at::where(weight < 1e-30, at::zeros({}, weight.options()), weight);
}

}  // namespace moe
