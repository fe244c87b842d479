#include "gates/dselect_k_gate.h"

#include <cmath>

#include "gates/expert_selectors.h"
#include "gates/gate_losses.h"
#include "gates/learned_options.h"
#include "layers/shapes.h"

namespace moe {
namespace {

// Mean over valid tokens, with gradient.
Tensor token_mean(const Tensor& per_token, const Tensor& valid, const RankScope& ranks) {
  const auto mask = valid.defined() ? valid.to(per_token.scalar_type())
                                    : at::ones_like(per_token.detach());
  const auto sum = ranks.sum((per_token * mask).sum());
  return sum / ranks.sum(mask.sum()).clamp_min(1);
}

// 1 where two selectors of a token prefer the same expert: [T, k] -> [T].
Tensor coincident(const Tensor& preferred) {
  const auto same = preferred.unsqueeze(2) == preferred.unsqueeze(1);  // [T, k, k]
  return same.sum(at::IntArrayRef{1, 2}) > preferred.size(1);          // [T]
}

}  // namespace

DSelectKGate::DSelectKGate(const DSelectKConfig& config, int64_t d_model, int64_t experts,
                           const Initializer& init)
    : config_(config),
      per_token_(config.per_token()),
      d_model_(d_model),
      experts_(experts),
      bits_(expert_bits(experts)) {
  const int64_t k = config.k;
  const double root = per_token_ ? std::sqrt(static_cast<double>(d_model)) : 1;
  const double bit_bound = config.init_scale * config.gamma / (100 * root);
  const double mix_bound = config.init_scale * 0.05 / root;
  if (!per_token_) {
    bit_logits_ =
        register_parameter("bit_logits", init.uniform("bit_logits", {k * bits_}, bit_bound));
    mix_logits_ = register_parameter("mix_logits", init.uniform("mix_logits", {k}, mix_bound));
    return;
  }
  bit_weight_ = register_parameter("bit_weight",
                                   init.uniform("bit_weight", {k * bits_, d_model}, bit_bound));
  bit_bias_ = register_parameter("bit_bias", init.uniform("bit_bias", {k * bits_}, bit_bound));
  mix_weight_ = register_parameter("mix_weight",
                                   init.uniform("mix_weight", {k, d_model}, mix_bound));
  mix_bias_ = register_parameter("mix_bias", init.uniform("mix_bias", {k}, mix_bound));
}

DSelectKGate::Logits DSelectKGate::logits(const GateInput& input) const {
  const auto dtype = gate_dtype(input.x);
  if (!per_token_) {
    return {bit_logits_.to(dtype).view({1, config_.k, bits_}), mix_logits_.to(dtype).unsqueeze(0)};
  }
  const auto h = gate_features(config_.learned, input);  // [T, D]
  return {at::linear(h, bit_weight_.to(dtype), bit_bias_.to(dtype))
              .view({h.size(0), config_.k, bits_}),
          at::linear(h, mix_weight_.to(dtype), mix_bias_.to(dtype))};
}

Tensor DSelectKGate::masked(Tensor weight, const GateInput& input) const {
  const auto dropped = dropped_experts(config_.learned, input, experts_, config_.k);  // [T, E]
  if (dropped.defined()) {
    const auto kept = weight.masked_fill(dropped, 0);
    const auto left = kept.sum(1, /*keepdim=*/true);  // [T, 1]
    const auto some = left > 0;
    // A token whose experts are all left out keeps them: it would have none. The quotient is finite there
    // too, since backward multiplies its slope by 0; and it comes first, so that no slope is above 1e30.
    const auto share = kept / at::where(some, left, at::ones({}, left.options()));  // [T, E]
    weight = at::where(some, flush_tiny(share * weight.sum(1, /*keepdim=*/true)), weight);
  }
  const auto valid = input.valid();
  return valid.defined() ? weight * valid.unsqueeze(1) : weight;
}

Routing DSelectKGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, d_model_}, "DSelectKGate input");
  const auto valid = input.valid();
  const int64_t T = input.x.size(0);
  const auto [bit, mix] = logits(input);
  const double progress = input.context.progress, gamma = config_.gamma_at(progress);
  const auto selected = select_experts(bit, mix, gamma, experts_);
  auto routing = Routing::dense(masked(selected.weight.expand({T, experts_}), input));
  // One value per token, from n = T or n = 1 of them: means over tokens are then the same for both.
  const auto of_tokens = [&](const Tensor& value) { return value.expand({T}); };
  const auto add_loss = [&](const char* name, const Tensor& value, double coefficient) {
    routing.aux.push_back({name, token_mean(of_tokens(value), valid, input.ranks), coefficient});
  };
  if (config_.entropy.value > 0) {
    add_loss("entropy", selected.entropy, config_.entropy.at(progress));
  }
  if (config_.collision.value > 0) {
    add_loss("collision", selected.collision, config_.collision.at(progress));
  }
  if (config_.load_balancing.value > 0) {
    routing.aux.push_back({"load_balancing",
                           mixture_balance_loss(selected.weight.expand({T, experts_}), valid, input.ranks),
                           config_.load_balancing.at(progress)});
  }
  if (config_.reachability > 0 && experts_ != int64_t{1} << bits_) {
    add_loss("reachability", selected.reciprocal_reach, config_.reachability);
  }

  const bool diagnostics = input.context.diagnostics;
  routing.stats = gate_stats(routing, routing.weight, {}, valid, diagnostics);
  if (!diagnostics) {
    return routing;
  }
  at::NoGradGuard no_grad;
  routing.stats.gate["coincident_selectors"] = mean_over(of_tokens(coincident(selected.preferred)), valid);
  if (bits_ > 0) {
    const auto decided = (bit.detach().abs() >= gamma / 2).to(routing.weight.scalar_type());  // [n, k, m]
    const auto by_selector = decided.mean(2);                                                 // [n, k]
    routing.stats.gate["saturated_bits"] = mean_over(of_tokens(by_selector.mean(1)), valid);
    routing.stats.gate["saturated_bits_by_selector"] =
        mean_over(by_selector.expand({T, config_.k}), valid);
  }
  return routing;
}

}  // namespace moe
