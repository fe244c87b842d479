#include "moe/moe_config.h"

namespace moe {

int64_t MoeConfig::expert_width(int64_t active_width) const {
  return d_hidden.value_or(active_width / gate_config(gate).slots());
}

void MoeConfig::fields(Fields& f) {
  f("experts", experts, "experts per layer", between(1, 65536));
  f("d_hidden", d_hidden, "width of one expert; auto: model.active_width / k",
    between(1, 1048576));
  f("dispatch", dispatch,
    "`dense`: every expert on every token; `sparse`: live slots only; `auto`: sparse unless nearly "
    "all slots are live",
    one_of({"auto", "dense", "sparse"}));
  f("allow_future_leak", allow_future_leak,
    "accept a gate that looks at later tokens; every report then says so");
  f("gate", gate, "who goes where; change `kind` to swap the gate");
}

void MoeConfig::check(Rules& rules, int64_t active_width) const {
  const auto text = [](int64_t value) { return std::to_string(value); };
  const auto& policy = gate_config(gate);
  const int64_t k = policy.slots();
  rules.section("gate", gate);
  policy.check_experts(rules, experts, "gate.");
  if (d_hidden) {
    rules.require(*d_hidden * k == active_width, "d_hidden",
                  "k x d_hidden must be model.active_width (" + text(active_width) +
                      "), so that model.moe=none is the twin of equal active FLOPs; found " +
                      text(k) + " x " + text(*d_hidden) + ": set model.active_width=" +
                      text(*d_hidden * k) + ", or d_hidden to auto");
  } else {
    rules.require(active_width % k == 0 && active_width >= k, "d_hidden",
                  "auto is model.active_width / k, and " + text(active_width) +
                      " is not divisible by k = " + text(k) +
                      ": choose an active_width that is, or set d_hidden");
  }
  rules.require(policy.causal() || allow_future_leak, "gate",
                "'" + gate.kind +
                    "' with these settings looks at later tokens, which a left-to-right model must "
                    "not see: change them, or set model.moe.allow_future_leak=true");
}

}  // namespace moe
