// Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467).
#pragma once

#include "layers/initializer.h"

namespace moe {

class RmsNorm : public torch::nn::Module {
 public:
  RmsNorm(int64_t width, double eps, const Initializer& init);
  // x / sqrt(mean(x^2) + eps) * weight, over the last dimension; computed in the weight's dtype
  // (float32 in a bf16 model: norms are never cast) and returned in x's.
  Tensor forward(const Tensor& x);

 private:
  Tensor weight_;  // [width], starts at 1
  double eps_;
};

}  // namespace moe
