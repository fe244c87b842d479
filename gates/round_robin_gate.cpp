#include "gates/round_robin_gate.h"

#include "layers/shapes.h"

namespace moe {

RoundRobinGate::RoundRobinGate(const RoundRobinConfig& config, int64_t, int64_t experts,
                               const Initializer&)
    : k_(config.k), experts_(experts) {}

Routing RoundRobinGate::forward(const GateInput& input) {
  const int64_t T = input.x.size(0);
  const auto position = input.context.position_ids().reshape({-1, 1});  // [T, 1]
  check_shape(position, {T, 1}, "RoundRobinGate positions");
  Routing routing;
  routing.expert = (position + at::arange(k_, position.options())).remainder(experts_);  // [T, k]
  routing.weight = at::full({T, k_}, 1.0 / static_cast<double>(k_),
                            input.x.options().dtype(gate_dtype(input.x)).requires_grad(false));
  const auto valid = input.valid();
  if (valid.defined()) {
    const auto mask = valid.unsqueeze(1);
    routing.expert = at::where(mask, routing.expert, at::full({}, kEmpty, position.options()));
    routing.weight = routing.weight * mask;
  }
  // Its choice is certain, so the distribution over experts is the weights themselves.
  const auto bin = routing.expert.clamp_min(0);
  const auto distribution =
      at::zeros({T, experts_}, routing.weight.options()).scatter_add(1, bin, routing.weight);
  routing.stats = gate_stats(routing, distribution, {}, valid, input.context.diagnostics);
  return routing;
}

}  // namespace moe
