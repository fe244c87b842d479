#include "moe/experts.h"

#include <cmath>

#include "layers/shapes.h"
#include "moe/grouped_product.h"

namespace moe {

Experts::Experts(int64_t experts, int64_t d_model, int64_t width, Activation activation,
                 double depth_scale, const Initializer& init, ExpertShare share)
    : activation_(activation) {
  TORCH_CHECK(experts % share.parts == 0, "Experts: ", experts, " experts in ", share.parts, " parts");
  const int64_t count = experts / share.parts;
  const auto mine = [&](const char* name, int64_t rows, int64_t columns, double std) {
    const auto all = init.normal(name, {experts, rows, columns}, std);
    return register_parameter(
        name, share.parts == 1 ? all : all.narrow(0, share.part * count, count).clone());
  };
  input_ = mine(input_name(activation), input_rows(activation, width), d_model, 1 / std::sqrt(d_model));
  down_ = mine("down", width, d_model, depth_scale / std::sqrt(width));
}

Tensor Experts::forward(const Tensor& rows, const std::vector<int64_t>& offsets) {
  const auto projected = grouped_product(rows, input_, offsets, /*transposed=*/true);  // [L, F or 2F]
  const auto hidden = activate(projected, activation_);                                // [L, F]
  return grouped_product(hidden, down_, offsets, /*transposed=*/false);                // [L, D]
}

Tensor Experts::forward_dense(const Tensor& x, const Tensor& weight) {
  const int64_t T = x.size(0), E = count(), F = down_.size(1), D = down_.size(2);
  check_shape(weight, {T, E}, "dense weights");
  const int64_t N = input_.size(1);  // F or 2F
  const auto hidden =
      activate(at::linear(x, input_.view({E * N, D})).view({T, E, N}), activation_);  // [T, E, F]
  // bf16 rows times float32 weights are float32, rounded once.
  const auto weighted = (hidden * weight.unsqueeze(2)).to(x.scalar_type());
  return at::mm(weighted.view({T, E * F}), down_.view({E * F, D}));        // [T, D]
}

}  // namespace moe
