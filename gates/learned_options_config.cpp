#include "gates/learned_options_config.h"

namespace moe {

void LearnedOptions::fields(Fields& f) {
  f("jitter", jitter, "training input times U(1 - jitter, 1 + jitter)", from_below(0, 1));
  f("expert_dropout", expert_dropout,
    "in training every token chooses without this share of the experts, drawn anew, as if their "
    "probability were 0; at least k stay",
    from_below(0, 1));
}

}  // namespace moe
