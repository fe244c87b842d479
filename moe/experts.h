// The experts of one layer: feed-forward networks as in layers/mlp.h, stacked into two tensors.
#pragma once

#include <vector>

#include "layers/activation.h"
#include "layers/initializer.h"
#include "layers/torch.h"

namespace moe {

// Which of a layer's experts one rank holds: all, or one of equal parts, in order.
struct ExpertShare {
  int64_t part = 0, parts = 1;
};

class Experts : public torch::nn::Module {
 public:
  // `depth_scale` as in layers/mlp.h: one expert equals the dense network of its width. `experts` are all
  // of the layer's; first values are those that one rank alone would have, so each is drawn whole for a
  // moment. E below is the number of this share's.
  Experts(int64_t experts, int64_t d_model, int64_t width, Activation activation,
          double depth_scale, const Initializer& init, ExpertShare share = {});

  // f_e of rows that are sorted by expert: [L, D] -> [L, D]. offsets: host, E + 1 entries.
  Tensor forward(const Tensor& rows, const std::vector<int64_t>& offsets);

  // sum_e weight[t, e] * f_e(x[t]), every expert on every token: x [T, D], weight [T, E] -> [T, D].
  // Two products over all experts at once; the sum over experts is part of the second. The weight
  // keeps its dtype until it has been applied.
  Tensor forward_dense(const Tensor& x, const Tensor& weight);

  int64_t count() const { return down_.size(0); }
  Activation activation() const { return activation_; }
  const Tensor& input() const { return input_; }
  const Tensor& down() const { return down_; }

 private:
  Activation activation_;
  Tensor input_;  // `gate_up` [E, 2F, D], gate rows first; or `up` [E, F, D] of a plain activation
  Tensor down_;   // [E, F, D]
};

}  // namespace moe
