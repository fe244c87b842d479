// The experts of one layer: SwiGLU networks, stacked into two tensors.
#pragma once

#include <vector>

#include "layers/initializer.h"
#include "layers/torch.h"

namespace moe {

class Experts : public torch::nn::Module {
 public:
  // `depth_scale` as in layers/mlp.h: one expert equals the dense network of its width.
  Experts(int64_t experts, int64_t d_model, int64_t width, double depth_scale,
          const Initializer& init);

  // f_e of rows that are sorted by expert: [L, D] -> [L, D]. offsets: host, E + 1 entries.
  Tensor forward(const Tensor& rows, const std::vector<int64_t>& offsets);

  // sum_e weight[t, e] * f_e(x[t]), every expert on every token: x [T, D], weight [T, E] -> [T, D].
  // Two products over all experts at once; the sum over experts is part of the second.
  Tensor forward_dense(const Tensor& x, const Tensor& weight);

  int64_t count() const { return gate_up_.size(0); }

 private:
  Tensor gate_up_;  // [E, 2F, D], gate rows first
  Tensor down_;     // [E, F, D]
};

}  // namespace moe
