#include "gates/base_gate.h"

#include "gates/balanced_assignment.h"
#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {
namespace {

// [T] int64: the expert of every valid token, kEmpty for padding. scores [T, E].
Tensor assigned(const Tensor& scores, const Tensor& valid) {
  const int64_t T = scores.size(0), E = scores.size(1);
  const auto mask = valid.defined() ? valid.to(scores.scalar_type())
                                    : at::ones({T}, scores.options());
  // Scores and mask in one copy: the one wait for the device.
  const auto host = at::cat({scores, mask.unsqueeze(1)}, 1).to(at::kCPU, at::kDouble);  // [T, E + 1]
  const auto tokens = host.select(1, E).nonzero().reshape({-1});                        // [N]
  const auto experts =
      balanced_assignment(host.narrow(1, 0, E).index_select(0, tokens).contiguous());
  return at::full({T}, kEmpty, at::kLong)
      .index_copy(0, tokens, at::tensor(experts, at::kLong))
      .to(scores.device());
}

// Left-out experts look as bad as the worst there is. They are not forbidden: balance comes first, and
// there may be no balanced assignment without them.
Tensor worst_where(const Tensor& scores, const Tensor& dropped) {
  // Of no token there is no worst.
  return dropped.defined() && scores.numel() > 0 ? at::where(dropped, scores.min(), scores) : scores;
}

}  // namespace

BaseGate::BaseGate(const BaseConfig& config, int64_t d_model, int64_t experts,
                   const Initializer& init)
    : config_(config) {
  centroids_ = register_parameter(
      "centroids", init.orthogonal("centroids", {experts, d_model}, config.init_scale));
}

Routing BaseGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, centroids_.size(1)}, "BaseGate input");
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);               // [T, D]
  const auto logits = at::linear(h, centroids_.to(h.scalar_type()));  // [T, E]
  const auto scores = logits.detach();
  Routing routing;
  if (input.context.training) {
    const auto dropped = dropped_experts(config_.learned, input, scores.size(1), 1);
    routing.expert = assigned(worst_where(scores, dropped), valid).unsqueeze(1);  // [T, 1]
    routing.host_syncs = 1;
  } else {
    routing.expert = scores.argmax(1, /*keepdim=*/true);
    if (valid.defined()) {
      routing.expert = at::where(valid.unsqueeze(1), routing.expert,
                                 at::full({}, kEmpty, routing.expert.options()));
    }
  }
  const auto chosen = routing.expert != kEmpty;                               // [T, 1]
  const auto own = logits.gather(1, routing.expert.clamp_min(0));             // [T, 1]
  const auto nothing = at::zeros({}, logits.options().requires_grad(false));
  routing.weight = at::where(chosen, flush_tiny(own.sigmoid()), nothing);
  // sigmoid(-z) and not 1 - sigmoid(z), which rounds to 0 where there is a slope left.
  routing.identity_weight = at::where(chosen, (-own).sigmoid(), nothing).squeeze(1);  // [T]
  routing.stats = gate_stats(routing, scores.softmax(1), {}, valid, input.context.diagnostics);
  if (input.context.diagnostics) {
    routing.stats.gate["identity_weight"] = mean_over(routing.identity_weight.detach(), valid);
  }
  return routing;
}

}  // namespace moe
