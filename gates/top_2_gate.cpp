#include "gates/top_2_gate.h"

#include "gates/learned_options.h"
#include "gates/top_k_choice.h"
#include "layers/shapes.h"

namespace moe {

Top2Gate::Top2Gate(const Top2Options& options, double init_std, int64_t d_model, int64_t experts,
                   const Initializer& init)
    : options_(options) {
  weight_ = register_parameter("weight", init.normal("weight", {experts, d_model}, init_std));
}

Tensor Top2Gate::refused(const Tensor& share, const GateInput& input) const {
  const bool random = options_.second == "random" && input.context.training;
  if (share.size(1) < 2 || !(random || options_.second == "threshold")) {
    return {};
  }
  const auto g2 = share.detach().narrow(1, 1, 1);  // [T, 1]
  const auto no =
      random ? uniform_noise(input.noise, NoiseSite::kSecondExpert, g2.size(0), 1, g2.device()) >=
                   g2 / options_.second_threshold
             : g2 <= options_.second_threshold;  // [T, 1]
  return at::cat({at::zeros_like(no), no}, 1);   // [T, 2]
}

Routing Top2Gate::forward(const GateInput& input) {
  const int64_t E = weight_.size(0), K = Top2Options::slots(E);
  check_shape(input.x, {-1, weight_.size(1)}, "Top2Gate input");
  const auto h = gate_features(options_.learned, input);  // [T, D]
  const auto logits = without_dropped(at::linear(h, weight_.to(h.scalar_type())),
                                      dropped_experts(options_.learned, input, E, K));  // [T, E]
  const auto probability = logits.softmax(1);        // [T, E]
  const auto chosen = top_k_experts(logits, K);      // [T, K]
  const auto g = probability.gather(1, chosen);      // [T, K]
  const auto share = g / g.sum(1, /*keepdim=*/true);  // [T, K]

  WantedSlots wanted{chosen, flush_tiny(options_.renormalize == "before_drop" ? share : g),
                     refused(share, input), probability, options_.renormalize == "after_drop"};
  auto routing = route_slots(wanted, options_.capacity, input);
  routing.aux = balance_losses(options_.balance, logits, probability, chosen.narrow(1, 0, 1), input);
  if (input.context.diagnostics && wanted.refused.defined()) {
    routing.stats.gate["second_used"] =
        mean_over(wanted.refused.select(1, 1).logical_not(), input.valid());
  }
  return routing;
}

}  // namespace moe
