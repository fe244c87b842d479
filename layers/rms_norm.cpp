#include "layers/rms_norm.h"

namespace moe {

RmsNorm::RmsNorm(int64_t width, double eps, const Initializer& init) : eps_(eps) {
  weight_ = register_parameter("weight", init.constant({width}, 1));
}

Tensor RmsNorm::forward(const Tensor& x) {
  return at::rms_norm(x.to(weight_.scalar_type()), weight_.sizes(), weight_, eps_)
      .to(x.scalar_type());
}

}  // namespace moe
