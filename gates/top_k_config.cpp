#include "gates/top_k_config.h"

namespace moe {

GateAbout TopKConfig::about() const {
  return {"Shazeer et al. 2017, arXiv 1701.06538, section 2.1, without the noise",
          "k",
          {"load_balancing", "z_loss"},
          {},
          "capacity_order: choice"};
}

void TopKConfig::fields(Fields& f) {
  f("k", k, "experts of a token", between(1, 1024));
  f("softmax", softmax,
    "`before` the selection, over all experts, or `after` it, over the kept logits",
    one_of({"before", "after"}));
  f("renormalize", renormalize, "divide the kept weights by their sum (softmax: before)");
  f("capacity_factor", capacity_factor,
    "tokens per expert: ceil(tokens * k * factor / experts); 0 drops nothing. Training only",
    between(0, 1024));
  f("capacity_order", capacity_order,
    "who comes first when an expert is full: `token` by token, or `choice` by choice (all first "
    "choices before all second ones; looks ahead, so not causal)",
    one_of({"token", "choice"}));
  learned.fields(f);
  f("load_balancing", load_balancing,
    "coefficient of experts * sum_e f_e P_e, which is 1 at perfect balance", at_least(0));
  f("balance_scope", balance_scope, "tokens over which f and P are formed",
    one_of({"sequence", "micro_batch", "world"}));
  f("z_loss", z_loss, "coefficient of mean logsumexp(logits)^2 (ST-MoE)", at_least(0));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

}  // namespace moe
