// The dense feed-forward network: down(activation(x * input)).
#pragma once

#include "layers/activation.h"
#include "layers/feed_forward.h"
#include "layers/initializer.h"

namespace moe {

class Mlp : public FeedForward {
 public:
  // `depth_scale` multiplies the output projection's first values: 1 / sqrt(2 * layers) keeps the
  // residual stream's variance (GPT-2).
  Mlp(int64_t d_model, int64_t width, Activation activation, double depth_scale,
      const Initializer& init);
  FeedForwardOutput forward(const Tensor& x, const ForwardContext& context) override;

 private:
  Activation activation_;
  Tensor input_;  // `gate_up` [2F, D], gate rows first; or `up` [F, D] of a plain activation
  Tensor down_;   // [D, F]
};

}  // namespace moe
