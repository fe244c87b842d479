#include "gates/relu_gate.h"

#include <cmath>

#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {

Tensor l1_loss(const Tensor& weight, int64_t k, bool balanced, const Tensor& valid,
               const RankScope& ranks) {
  const auto options = weight.options().requires_grad(false);
  const auto here = valid.defined() ? valid.sum(options.dtype().toScalarType())
                                    : at::full({}, weight.size(0), options);
  const auto T = ranks.sum(here).clamp_min(1);
  const auto mean = ranks.sum(weight.sum(0)) / T;  // [E]
  if (!balanced) {
    return mean.sum();
  }
  const auto count = ranks.sum((weight > 0).sum(0).to(weight.scalar_type()));  // [E]
  const auto f = count * (static_cast<double>(weight.size(1)) / static_cast<double>(k)) / T;
  return (f * mean).sum();
}

ReluGate::ReluGate(const ReluConfig& config, int64_t d_model, int64_t experts,
                   const Initializer& init)
    : config_(config) {
  weight_ = register_parameter(
      "weight",
      init.truncated_normal("weight", {experts, d_model}, config.init_scale / std::sqrt(d_model)));
  lambda_ = register_buffer(
      "lambda",
      at::full({}, config.lambda, at::TensorOptions().dtype(at::kFloat).device(init.device())));
}

Routing ReluGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "ReluGate input");
  const auto dtype = gate_dtype(input.x);
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);  // [T, D]
  const auto dropped = dropped_experts(config_.learned, input, weight_.size(0), config_.k);
  const auto logits = without_dropped(at::linear(h, weight_.to(dtype)), dropped);  // [T, E]
  auto weight = at::relu(logits);  // not clamp_min, whose slope at 0 is 1
  if (valid.defined()) {
    weight = weight * valid.unsqueeze(1);
  }
  auto routing = Routing::dense(weight);
  const auto l1 = l1_loss(weight, config_.k, config_.balanced, valid, input.ranks);
  routing.aux.push_back({"l1", lambda_.to(dtype) * l1, 1});
  routing.stats = gate_stats(routing, weight, {}, valid, input.context.diagnostics);
  if (input.context.diagnostics) {
    const auto once = at::ones({}, weight.options().dtype(at::kDouble).requires_grad(false));
    // A copy: end_step() changes lambda in place, and figures may be read after it.
    routing.stats.gate["lambda"] = {lambda_.to(at::kDouble), once};
    routing.stats.gate["l1"] = {l1.detach().to(at::kDouble), once};
  }
  return routing;
}

void ReluGate::end_step(const StepStats& stats) {
  at::NoGradGuard no_grad;
  // sparsity < 1 - k / E, in whole numbers: equality divides, without rounding.
  const auto dense = stats.model.live_slots > stats.model.tokens * config_.k;
  const auto next =
      at::where(dense, lambda_ * config_.lambda_factor, lambda_ / config_.lambda_factor);
  // Bounds are not in the paper. A gate that has overshot would divide lambda by hundreds of powers
  // of the factor, down to 0 in float32, and take as long to come back; from infinity it never
  // would.
  lambda_.copy_(next.clamp(config_.lambda, 1e30));
}

}  // namespace moe
