#include "gates/bias_balanced_gate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gates/gate_losses.h"
#include "gates/learned_options.h"
#include "gates/top_k_gate.h"
#include "layers/shapes.h"

namespace moe {

Tensor limit_groups(const Tensor& scores, int64_t groups, int64_t kept) {
  const int64_t T = scores.size(0), n = scores.size(1) / groups;
  TORCH_CHECK(scores.size(1) == groups * n, "limit_groups: ", scores.size(1), " experts in ",
              groups, " groups");
  const auto by_group = scores.view({T, groups, n});
  const auto best = std::get<0>(by_group.topk(std::min<int64_t>(2, n), 2)).sum(2);  // [T, groups]
  const auto open = at::zeros({T, groups}, scores.options().dtype(at::kBool))
                        .scatter_(1, top_k_experts(best, kept), true);  // [T, groups]
  return by_group
      .masked_fill(open.logical_not().unsqueeze(2), -std::numeric_limits<double>::infinity())
      .view({T, groups * n});
}

BiasBalancedGate::BiasBalancedGate(const BiasBalancedConfig& config, int64_t d_model,
                                   int64_t experts, const Initializer& init)
    : config_(config), experts_(experts) {
  weight_ = register_parameter(
      "weight",
      init.truncated_normal("weight", {experts, d_model}, config.init_scale / std::sqrt(d_model)));
  bias_ = register_buffer("bias", at::zeros({experts}, at::TensorOptions().device(init.device())));
}

Routing BiasBalancedGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, weight_.size(1)}, "BiasBalancedGate input");
  const auto dtype = gate_dtype(input.x);
  const auto valid = input.valid();
  const auto h = gate_features(config_.learned, input);  // [T, D]
  const auto dropped = dropped_experts(config_.learned, input, experts_, config_.k);
  const auto logits = without_dropped(at::linear(h, weight_.to(dtype)), dropped);  // [T, E]
  const auto score = config_.score == "softmax" ? logits.softmax(1) : logits.sigmoid();

  // A left out expert scores 0, which a bias could still lift into the choice.
  auto biased = without_dropped(score.detach() + bias_.to(dtype), dropped);  // [T, E]
  if (config_.groups_kept < config_.groups) {
    biased = limit_groups(biased, config_.groups, config_.groups_kept);
  }
  const auto chosen = top_k_experts(biased, config_.k);  // [T, k]
  auto weight = score.gather(1, chosen);                 // [T, k]
  if (config_.normalize) {
    weight = weight / (weight.sum(1, /*keepdim=*/true) + 1e-20);  // sigmoids can all underflow
  }
  weight = flush_tiny(config_.scale * weight);

  Routing routing;
  routing.expert = chosen;
  routing.weight = weight;
  if (valid.defined()) {
    const auto mask = valid.unsqueeze(1);
    routing.expert = at::where(mask, chosen, at::full({}, kEmpty, chosen.options()));
    routing.weight = at::where(mask, weight, at::zeros({}, weight.options()));
  }
  const auto share = config_.score == "softmax"
                         ? score
                         : score / (score.sum(1, /*keepdim=*/true) + 1e-20);  // [T, E]
  if (config_.sequence_balance > 0) {
    // f counts the k best scores without bias or groups, as published: the loss acts on what the
    // scores themselves prefer (DeepSeek-V3, equations 17 to 20).
    const auto preferred = top_k_experts(without_dropped(score, dropped), config_.k);
    routing.aux.push_back({"sequence_balance",
                           load_balancing_loss(share, preferred, valid, BalanceScope::kSequence,
                                               input.context.B(), input.ranks),
                           config_.sequence_balance});
  }
  routing.stats = gate_stats(routing, share, {}, valid, input.context.diagnostics);
  if (input.context.diagnostics) {
    const auto spread = (bias_.max() - bias_.min()).to(at::kDouble);
    routing.stats.gate["bias_spread"] = {spread, at::ones_like(spread)};
  }
  return routing;
}

void BiasBalancedGate::end_step(const StepStats& stats) {
  at::NoGradGuard no_grad;
  const auto& load = stats.layer.tokens_per_expert;  // [E]
  bias_.add_((load.mean() - load).sign().to(bias_.scalar_type()), config_.update_rate);
}

}  // namespace moe
