#include "layers/rms_norm.h"

namespace moe {

RmsNorm::RmsNorm(int64_t width, double eps, const Initializer& init) : eps_(eps) {
  weight_ = register_parameter("weight", init.constant({width}, 1));
}

Tensor RmsNorm::forward(const Tensor& x) {
  return at::rms_norm(x, weight_.sizes(), weight_, eps_);
}

}  // namespace moe
