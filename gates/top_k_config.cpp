#include "gates/top_k_config.h"

namespace moe {

GateAbout TopKConfig::about() const {
  return {"Shazeer et al. 2017, arXiv 1701.06538, section 2.1, without the noise",
          "k",
          {"load_balancing", "z_loss"},
          {},
          CapacityOptions::looks_ahead()};
}

void TopKConfig::fields(Fields& f) {
  f("k", k, "experts of a token", between(1, 1024));
  f("softmax", softmax,
    "`before` the selection, over all experts, or `after` it, over the kept logits",
    one_of({"before", "after"}));
  f("renormalize", renormalize, "divide the kept weights by their sum (softmax: before)");
  capacity.fields(f);
  learned.fields(f);
  balance.fields(f, "coefficient of experts * sum_e f_e P_e, which is 1 at perfect balance");
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

}  // namespace moe
