#include "layers/mlp.h"

#include <cmath>

#include "layers/shapes.h"
#include "layers/swiglu.h"

namespace moe {

Mlp::Mlp(int64_t d_model, int64_t width, double depth_scale, const Initializer& init) {
  gate_up_ = register_parameter(
      "gate_up", init.normal("gate_up", {2 * width, d_model}, 1 / std::sqrt(d_model)));
  down_ = register_parameter(
      "down", init.normal("down", {d_model, width}, depth_scale / std::sqrt(width)));
}

FeedForwardOutput Mlp::forward(const Tensor& x, const ForwardContext&) {
  check_shape(x, {-1, gate_up_.size(1)}, "Mlp input");
  return {at::linear(swiglu(at::linear(x, gate_up_)), down_), {}, nullptr};
}

}  // namespace moe
