#include "moe/experts.h"

#include <cmath>

#include "layers/shapes.h"
#include "layers/swiglu.h"
#include "moe/grouped_product.h"

namespace moe {

Experts::Experts(int64_t experts, int64_t d_model, int64_t width, double depth_scale,
                 const Initializer& init) {
  gate_up_ = register_parameter(
      "gate_up", init.normal("gate_up", {experts, 2 * width, d_model}, 1 / std::sqrt(d_model)));
  down_ = register_parameter(
      "down", init.normal("down", {experts, width, d_model}, depth_scale / std::sqrt(width)));
}

Tensor Experts::forward(const Tensor& rows, const std::vector<int64_t>& offsets) {
  const auto hidden = swiglu(grouped_product(rows, gate_up_, offsets, /*transposed=*/true));  // [L, F]
  return grouped_product(hidden, down_, offsets, /*transposed=*/false);                       // [L, D]
}

Tensor Experts::forward_dense(const Tensor& x, const Tensor& weight) {
  const int64_t T = x.size(0), E = count(), F = down_.size(1), D = down_.size(2);
  check_shape(weight, {T, E}, "dense weights");
  const auto hidden = swiglu(at::linear(x, gate_up_.view({E * 2 * F, D})).view({T, E, 2 * F}));
  const auto weighted = hidden * weight.to(x.scalar_type()).unsqueeze(2);  // [T, E, F]
  return at::mm(weighted.view({T, E * F}), down_.view({E * F, D}));        // [T, D]
}

}  // namespace moe
