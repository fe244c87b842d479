// Letters: G groups of N tokens, the last one filled up with padding.
#include "gates/expert_choice_gate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {
namespace {

// [T, ...] -> [G, N, ...], filled up with zeros (false).
Tensor in_groups(const Tensor& rows, int64_t G, int64_t N) {
  auto shape = rows.sizes().vec();
  shape[0] = G * N - rows.size(0);
  const auto filled = shape[0] == 0 ? rows : at::cat({rows, at::zeros(shape, rows.options())});
  shape[0] = N;
  shape.insert(shape.begin(), G);
  return filled.reshape(shape);
}

}  // namespace

Tensor taken_by_experts(const Tensor& score, const Tensor& open, const Tensor& capacity) {
  const auto ranked = score.detach().masked_fill(
      open.logical_not(), -std::numeric_limits<double>::infinity());
  const auto order = std::get<1>(ranked.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true));
  const auto place = at::arange(score.size(1), order.options()).view({1, -1, 1});
  const auto rank = at::empty_like(order).scatter_(1, order, place.expand_as(order));  // [G, N, E]
  return (rank < capacity) & open;
}

ExpertChoiceGate::ExpertChoiceGate(const ExpertChoiceConfig& config, int64_t d_model,
                                   int64_t experts, const Initializer& init)
    : config_(config), experts_(experts) {
  weight_ = register_parameter(
      "weight",
      init.truncated_normal("weight", {experts, d_model}, config.init_scale / std::sqrt(d_model)));
}

Routing ExpertChoiceGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "ExpertChoiceGate input");
  const int64_t T = input.x.size(0), E = experts_;
  const int64_t N = std::max<int64_t>(  // of no tokens there are no groups
      1, config_.group_tokens == 0 ? T : std::min(config_.group_tokens, T));
  const int64_t G = (T + N - 1) / N;
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);                      // [T, D]
  const auto logits = at::linear(h, weight_.to(h.scalar_type()));            // [T, E]
  const auto left_out = dropped_experts(config_.learned, input, E, config_.k);

  auto open = at::ones({T, E}, logits.options().dtype(at::kBool).requires_grad(false));
  if (valid.defined()) {
    open = open & valid.unsqueeze(1);
  }
  const auto present = in_groups(open.select(1, 0), G, N);                   // [G, N]
  if (left_out.defined()) {
    open = open & left_out.logical_not();
  }
  open = in_groups(open, G, N);                                              // [G, N, E]
  const auto shut = open.logical_not();
  // Finite, so that the softmax of a group without tokens is no NaN on its way to the masks below.
  const auto score = in_groups(logits, G, N)
                         .masked_fill(shut, -1e30)
                         .softmax(config_.over == "tokens" ? 1 : 2);         // [G, N, E]
  // ceil(n k / E) of the n tokens that are there.
  const auto capacity =
      (present.sum(1) * config_.k + (E - 1)).div(E, "floor").view({G, 1, 1});
  const auto taken = taken_by_experts(score, open, capacity);                // [G, N, E]

  auto weight = flush_tiny(score);
  if (config_.over == "tokens") {
    weight = weight / taken.sum(2, /*keepdim=*/true).clamp_min(1);
  }
  const auto rows = [&](const Tensor& grouped) {
    return grouped.reshape({G * N, E}).narrow(0, 0, T);
  };
  const auto chosen = rows(taken);                                           // [T, E]
  auto routing = Routing::dense(
      at::where(chosen, rows(weight), at::zeros({}, weight.options())));
  routing.expert =
      at::where(chosen, routing.expert, at::full({}, kEmpty, routing.expert.options()));
  routing.stats =
      gate_stats(routing, logits.detach().softmax(1), {}, valid, input.context.diagnostics);
  return routing;
}

}  // namespace moe
