#include "gates/softmax_config.h"

namespace moe {

GateAbout SoftmaxConfig::about() const {
  return {"Jacobs et al. 1991, Neural Computation 3, section 2", "E", {"load_balancing"}, {}, ""};
}

void SoftmaxConfig::fields(Fields& f) {
  f("load_balancing", load_balancing,
    "coefficient of experts * sum_e f_e P_e, f the share of tokens whose largest weight is e's; 1 at "
    "perfect balance",
    at_least(0));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe
