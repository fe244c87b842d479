#include "gates/round_robin_gate.h"

#include "gates/fixed_choice.h"

namespace moe {

RoundRobinGate::RoundRobinGate(const RoundRobinConfig& config, int64_t, int64_t experts,
                               const Initializer&)
    : k_(config.k), experts_(experts) {}

Routing RoundRobinGate::forward(const GateInput& input) {
  const auto position = input.context.position_ids().reshape({-1, 1});  // [T, 1]
  return fixed_choice((position + at::arange(k_, position.options())).remainder(experts_),  // [T, k]
                      experts_, input);
}

}  // namespace moe
