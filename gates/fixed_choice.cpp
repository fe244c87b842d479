#include "gates/fixed_choice.h"

#include "layers/shapes.h"

namespace moe {

Routing fixed_choice(const Tensor& expert, int64_t experts, const GateInput& input) {
  const int64_t T = input.x.size(0), k = expert.size(1);
  check_shape(expert, {T, k}, "fixed choice of experts");
  Routing routing;
  routing.expert = expert;
  routing.weight = at::full({T, k}, 1.0 / static_cast<double>(k),
                            input.x.options().dtype(gate_dtype(input.x)).requires_grad(false));
  const auto valid = input.valid();
  if (valid.defined()) {
    const auto mask = valid.unsqueeze(1);
    routing.expert = at::where(mask, expert, at::full({}, kEmpty, expert.options()));
    routing.weight = routing.weight * mask;
  }
  // The choice is certain, so the distribution over experts is the weights themselves.
  const auto distribution = at::zeros({T, experts}, routing.weight.options())
                                .scatter_add(1, routing.expert.clamp_min(0), routing.weight);  // [T, E]
  routing.stats = gate_stats(routing, distribution, {}, valid, input.context.diagnostics);
  return routing;
}

}  // namespace moe
