#include "gates/capacity_config.h"

namespace moe {

void CapacityOptions::fields(Fields& f) {
  f("capacity_factor", factor,
    times_k ? "tokens per expert: ceil(tokens * k * factor / experts), tokens those of a group; 0 "
              "drops nothing. Training only"
            : "tokens per expert: ceil(tokens * factor / experts), tokens those of a group: the "
              "published form, without top_k's k; 0 drops nothing. Training only",
    between(0, 1024));
  f("group_tokens", group_tokens,
    "every that many tokens in a row fill experts of their own; 0: all of a micro-step, over all ranks",
    between(0, 1 << 30));
  f("capacity_order", order,
    "who comes first when an expert is full: `token` by token, or `choice` by choice (all first "
    "choices before all second ones), or `priority` (the same, largest first probability first; "
    "V-MoE). The last two look ahead, so they are not causal",
    one_of({"token", "choice", "priority"}));
}

}  // namespace moe
