#include "gates/balance_config.h"

namespace moe {

void BalanceOptions::fields(Fields& f, const char* load_balancing_help) {
  f("load_balancing", load_balancing, load_balancing_help, at_least(0));
  f("balance_scope", balance_scope,
    "tokens over which f and P are formed; `micro_batch`: those of one rank, so that the loss depends on "
    "the layout",
    one_of({"sequence", "micro_batch", "world"}));
  f("z_loss", z_loss, "coefficient of mean logsumexp(logits)^2 (ST-MoE)", at_least(0));
}

}  // namespace moe
