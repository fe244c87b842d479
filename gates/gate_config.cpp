#include "gates/gate_config.h"

namespace moe {

void GateConfig::check_experts(Rules& rules, int64_t experts, const std::string& prefix) const {
  rules.require(slots(experts) <= experts, prefix + "k",
                "must be at most experts (" + std::to_string(experts) + "), found " +
                    std::to_string(slots(experts)));
}

}  // namespace moe
