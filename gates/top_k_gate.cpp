#include "gates/top_k_gate.h"

#include <cmath>

#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {

TopKGate::TopKGate(const TopKConfig& config, int64_t d_model, int64_t experts,
                   const Initializer& init)
    : config_(config), experts_(experts) {
  weight_ = register_parameter("weight", init.truncated_normal("weight", {experts, d_model},
                                                               config.init_scale /
                                                                   std::sqrt(d_model)));
}

Routing TopKGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "TopKGate input");
  const auto dtype = gate_dtype(input.x);
  const auto h = gate_features(config_.learned, input);  // [T, D]
  const auto logits =
      without_dropped(at::linear(h, weight_.to(dtype)),
                      dropped_experts(config_.learned, input, experts_, config_.k));  // [T, E]
  const auto probability = logits.softmax(1);            // [T, E]
  const auto chosen = top_k_experts(logits, config_.k);  // [T, k]

  Tensor weight;  // [T, k]
  if (config_.softmax == "after") {
    weight = logits.gather(1, chosen).softmax(1);
  } else {
    weight = probability.gather(1, chosen);
    if (config_.renormalize) {
      weight = weight / weight.sum(1, /*keepdim=*/true);
    }
  }
  auto routing = route_slots({chosen, flush_tiny(weight), {}, probability}, config_.capacity, input);
  routing.aux = balance_losses(config_.balance, logits, probability, chosen, input);
  return routing;
}

}  // namespace moe
