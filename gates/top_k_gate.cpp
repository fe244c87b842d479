#include "gates/top_k_gate.h"

#include <cmath>
#include <limits>

#include "gates/capacity.h"
#include "gates/gate_losses.h"
#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {
Tensor top_k_experts(const Tensor& logits, int64_t k) {
  auto left = logits.detach().clone();  // [T, E]
  std::vector<Tensor> chosen;
  for (int64_t choice = 0; choice < k; ++choice) {
    const auto best = left.argmax(1, /*keepdim=*/true);  // [T, 1], the first of equal ones
    chosen.push_back(best);
    left.scatter_(1, best, -std::numeric_limits<double>::infinity());
  }
  return at::cat(chosen, 1);  // [T, k]
}

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
  const auto valid = input.valid();
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
  weight = flush_tiny(weight);

  Routing routing;
  routing.expert = chosen;
  if (valid.defined()) {
    routing.expert = at::where(valid.unsqueeze(1), chosen, at::full({}, kEmpty, chosen.options()));
  }
  Tensor dropped;  // [T, k]
  if (input.context.training && config_.capacity_factor > 0) {
    const int64_t capacity = expert_capacity(chosen.size(0), config_.k, experts_,
                                             config_.capacity_factor);
    const auto order =
        config_.capacity_order == "choice" ? CapacityOrder::kChoice : CapacityOrder::kToken;
    // Slots whose weight is 0 take no capacity.
    const auto queued = at::where(weight != 0, routing.expert,
                                  at::full({}, kEmpty, chosen.options()));
    dropped = queue_positions(queued, experts_, order) >= capacity;
    routing.expert = at::where(dropped, at::full({}, kEmpty, chosen.options()), routing.expert);
  }
  routing.weight = at::where(routing.expert != kEmpty, weight, at::zeros({}, weight.options()));

  const auto add_loss = [&](const char* name, double coefficient, auto&& value) {
    if (coefficient > 0) {
      routing.aux.push_back({name, value(), coefficient});
    }
  };
  add_loss("load_balancing", config_.load_balancing, [&] {
    return load_balancing_loss(probability, chosen, valid, balance_scope(config_.balance_scope),
                               input.context.B(), input.ranks);
  });
  add_loss("z_loss", config_.z_loss, [&] { return z_loss(logits, valid, input.ranks); });
  routing.stats = gate_stats(routing, probability, dropped, valid, input.context.diagnostics);
  return routing;
}

}  // namespace moe
