#include "gates/bias_balanced_config.h"

namespace moe {

GateAbout BiasBalancedConfig::about() const {
  return {
      "Wang et al. 2024, arXiv 2408.15664, section 3.1; DeepSeek-V3 2024, arXiv 2412.19437, "
      "section 2.1.2",
      "k",
      {"sequence_balance"},
      {"bias"},
      ""};
}

void BiasBalancedConfig::fields(Fields& f) {
  f("k", k, "experts of a token", between(1, 1024));
  f("score", score, "of an expert for a token: of each alone, or over all experts",
    one_of({"sigmoid", "softmax"}));
  f("normalize", normalize, "divide the scores of the chosen experts by their sum");
  f("scale", scale, "factor of the weights (DeepSeek-V3: 2.5)", above(0));
  f("update_rate", update_rate,
    "what a step adds to the bias of an expert with less than the mean load, and takes from one "
    "with "
    "more; 0 freezes the bias",
    at_least(0));
  f("groups", groups, "groups of experts, all of one size, of which a token may use groups_kept",
    between(1, 1024));
  f("groups_kept", groups_kept,
    "groups of a token: those with the largest sum of their two best biased scores",
    between(1, 1024));
  f("sequence_balance", sequence_balance,
    "coefficient of experts * sum_e f_e P_e within a sequence: 1 at perfect balance", at_least(0));
  learned.fields(f);
  f("init_scale", init_scale, "first weights are normal with deviation init_scale / sqrt(d_model)",
    at_least(0));
}

void BiasBalancedConfig::check(Rules& rules) const {
  rules.require(groups_kept <= groups, "groups_kept",
                "must be at most groups (" + std::to_string(groups) + "), found " +
                    std::to_string(groups_kept));
  rules.require(
      groups_kept >= groups || learned.expert_dropout == 0, "expert_dropout",
      "must be 0 where groups_kept is below groups: the groups kept could be left with fewer "
      "than k experts; found " +
          std::to_string(learned.expert_dropout));
}

void BiasBalancedConfig::check_experts(Rules& rules, int64_t experts,
                                       const std::string& prefix) const {
  const auto text = [](int64_t value) { return std::to_string(value); };
  GateConfig::check_experts(rules, experts, prefix);
  if (experts % groups != 0) {
    rules.require(false, prefix + "groups",
                  "must divide experts (" + text(experts) + "), found " + text(groups));
    return;
  }
  const int64_t open = experts / groups * groups_kept;
  rules.require(k > experts || k <= open, prefix + "k",
                "must be at most the experts of the groups kept (" + text(groups_kept) + " x " +
                    text(experts / groups) + " = " + text(open) + "), found " + text(k) +
                    ": lower it, or raise groups_kept");
}

}  // namespace moe
