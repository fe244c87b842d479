#include "gates/sinkhorn_gate.h"

#include <cmath>

#include "gates/learned_options.h"
#include "gates/top_k_choice.h"
#include "layers/shapes.h"

namespace moe {
namespace {

constexpr double kTiny = 1e-8;  // Megatron's; for rows and columns of zeros

}  // namespace

Balanced sinkhorn(const Tensor& logits, const Tensor& valid, const RankScope& ranks,
                  int64_t iterations, double tolerance) {
  at::NoGradGuard no_grad;
  auto cost = (logits - logits.amax(1, /*keepdim=*/true)).exp();  // [T, E]
  auto tokens = at::full({}, static_cast<double>(cost.size(0)), cost.options());
  if (valid.defined()) {
    cost = cost.masked_fill(valid.logical_not().unsqueeze(1), 0);
    tokens = valid.sum(cost.scalar_type());
  }
  const auto row_mass = 1 / ranks.sum(tokens).clamp_min(1);
  const double column_mass = 1.0 / static_cast<double>(cost.size(1));
  auto rows = at::ones({cost.size(0)}, cost.options());     // [T]
  auto columns = at::ones({cost.size(1)}, cost.options());  // [E]
  auto going = at::ones({}, cost.options().dtype(at::kBool));
  auto count = at::zeros({}, cost.options().dtype(at::kDouble));
  for (int64_t i = 0; i < iterations; ++i) {
    const auto next_rows = row_mass / (at::mv(cost, columns) + kTiny);
    const auto next_columns = column_mass / (ranks.sum(at::mv(cost.t(), next_rows)) + kTiny);
    const auto change = (next_columns - columns).abs().mean();
    // Frozen by a mask once converged, because asking whether to stop would wait for the device.
    rows = at::where(going, next_rows, rows);
    columns = at::where(going, next_columns, columns);
    count = count + going;
    going = going & (change > tolerance);
    if (ranks.ranks() == 1 && cost.is_cpu() && !going.item<bool>()) {
      break;  // the same result; a CPU has nothing to wait for. Many ranks must go on alike
    }
  }
  return {rows.unsqueeze(1) * cost * columns, count};
}

SinkhornGate::SinkhornGate(const SinkhornConfig& config, int64_t d_model, int64_t experts,
                           const Initializer& init)
    : config_(config) {
  weight_ = register_parameter(
      "weight",
      init.truncated_normal("weight", {experts, d_model}, config.init_scale / std::sqrt(d_model)));
}

Routing SinkhornGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "SinkhornGate input");
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);  // [T, D]
  const auto logits = without_dropped(
      at::linear(h, weight_.to(h.scalar_type())),
      dropped_experts(config_.learned, input, weight_.size(0), config_.k));  // [T, E]
  Balanced balanced;
  if (input.context.training) {
    balanced = sinkhorn(logits, valid, input.ranks, config_.iterations, config_.tolerance);
  }
  WantedSlots wanted;
  wanted.expert = top_k_experts(input.context.training ? balanced.matrix : logits, config_.k);
  wanted.probability = logits.softmax(1);  // [T, E]
  wanted.weight = flush_tiny((config_.k == 1 ? logits.sigmoid() : wanted.probability)
                                 .gather(1, wanted.expert));
  auto routing = route_slots(wanted, CapacityOptions{}, input);
  if (input.context.diagnostics && input.context.training) {
    routing.stats.gate["sinkhorn_iterations"] = {balanced.iterations,
                                                 at::ones_like(balanced.iterations)};
  }
  return routing;
}

}  // namespace moe
