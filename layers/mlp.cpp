#include "layers/mlp.h"

#include <cmath>

#include "layers/shapes.h"

namespace moe {

Mlp::Mlp(int64_t d_model, int64_t width, Activation activation, double depth_scale,
         const Initializer& init)
    : activation_(activation) {
  const char* name = input_name(activation);
  input_ = register_parameter(
      name, init.normal(name, {input_rows(activation, width), d_model}, 1 / std::sqrt(d_model)));
  down_ = register_parameter(
      "down", init.normal("down", {d_model, width}, depth_scale / std::sqrt(width)));
}

FeedForwardOutput Mlp::forward(const Tensor& x, const ForwardContext&) {
  check_shape(x, {-1, input_.size(1)}, "Mlp input");
  return {at::linear(activate(at::linear(x, input_), activation_), down_), {}, nullptr};
}

}  // namespace moe
