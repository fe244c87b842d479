#include "gates/softmax_gate.h"

#include <cmath>

#include "gates/gate_losses.h"
#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {

SoftmaxGate::SoftmaxGate(const SoftmaxConfig& config, int64_t d_model, int64_t experts,
                         const Initializer& init)
    : config_(config) {
  weight_ = register_parameter(
      "weight",
      init.truncated_normal("weight", {experts, d_model}, config.init_scale / std::sqrt(d_model)));
}

Routing SoftmaxGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "SoftmaxGate input");
  const auto dtype = gate_dtype(input.x);
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);  // [T, D]
  const auto dropped = dropped_experts(config_.learned, input, weight_.size(0), 1);
  const auto probability =
      without_dropped(at::linear(h, weight_.to(dtype)), dropped).softmax(1);  // [T, E]
  auto weight = flush_tiny(probability);
  if (valid.defined()) {
    weight = weight * valid.unsqueeze(1);
  }
  auto routing = Routing::dense(weight);
  if (config_.load_balancing > 0) {
    // All experts are chosen, so counting choices would say nothing: first choices are counted.
    const auto first = probability.detach().argmax(1, /*keepdim=*/true);  // [T, 1]
    routing.aux.push_back({"load_balancing",
                           load_balancing_loss(probability, first, valid, BalanceScope::kWorld,
                                               input.context.B(), input.ranks),
                           config_.load_balancing});
  }
  routing.stats = gate_stats(routing, probability, {}, valid, input.context.diagnostics);
  return routing;
}

}  // namespace moe
