#include "gates/expert_choice_config.h"

namespace moe {

GateAbout ExpertChoiceConfig::about() const {
  return {"Zhou et al. 2022, arXiv 2202.09368, section 3.1", "k on average, 0 to E", {}, {}, ""};
}

void ExpertChoiceConfig::fields(Fields& f) {
  f("k", k,
    "mean experts of a token: an expert takes ceil(tokens * k / experts) tokens, in validation and "
    "generation too, so that a token's experts always depend on the others of its group",
    between(1, 1024));
  f("group_tokens", group_tokens,
    "experts choose among that many consecutive tokens; 0: all of a rank's micro-batch. "
    "model.context makes every sequence a group",
    between(0, 1e9));
  f("over", over,
    "softmax over `experts`, or over the `tokens` of the group, the weight then divided by the number "
    "of experts that took the token (mesh-tensorflow's expert_selection, without its loss)",
    one_of({"experts", "tokens"}));
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
  learned.fields(f);
}

}  // namespace moe
