#include "gates/dselect_k_gate.h"

#include <cmath>

#include "gates/selector_mix.h"
#include "layers/shapes.h"

namespace moe {
namespace {

constexpr double kEntropyEps = 1e-6;  // as published
constexpr double kReachEps = 1e-6;    // against 1/0 when all mass is on codes without an expert

// sum / count over valid tokens, for the gate's own figures.
GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid) {
  const auto value = per_token.to(at::kDouble);
  if (!valid.defined()) {
    return {value.sum(), at::full({}, static_cast<double>(value.numel()), value.options())};
  }
  return {(value * valid).sum(), valid.sum(at::kDouble)};
}

// Mean over valid tokens, with gradient.
Tensor token_mean(const Tensor& per_token, const Tensor& valid, const RankScope& ranks) {
  const auto mask = valid.defined() ? valid.to(per_token.scalar_type())
                                    : at::ones_like(per_token.detach());
  return ranks.sum((per_token * mask).sum()) / ranks.sum(mask.sum()).clamp_min(1);
}

// 1 where two selectors of a token prefer the same expert: [T, k, E] -> [T].
Tensor coincident(const Tensor& pick) {
  const auto best = pick.argmax(2);                                          // [T, k]
  const auto same = best.unsqueeze(2) == best.unsqueeze(1);                  // [T, k, k]
  return same.sum(at::IntArrayRef{1, 2}) > best.size(1);                     // [T]
}

}  // namespace

Tensor expert_codes(int64_t experts) {
  const int64_t m = expert_bits(experts);
  const auto shift = at::arange(m - 1, -1, -1, at::kLong);  // [m]
  return at::arange(experts, at::kLong).unsqueeze(1).bitwise_right_shift(shift).bitwise_and(1).to(
      at::kBool);  // [E, m]
}

Tensor selectors(const SmoothBits& bits, const Tensor& codes) {
  auto shape = bits.on.sizes().vec();
  shape.back() = codes.size(0);
  auto pick = at::ones(shape, bits.on.options().requires_grad(false));  // [..., k, E]
  // Bit by bit: the backward of prod() waits for the device to count zeros.
  for (int64_t b = 0; b < codes.size(1); ++b) {
    pick = pick * at::where(codes.select(1, b), bits.on.narrow(-1, b, 1), bits.off.narrow(-1, b, 1));
  }
  return pick;
}

Tensor selector_entropy(const Tensor& selectors) {
  return -(selectors * (selectors + kEntropyEps).log()).sum(-1);
}

Tensor reciprocal_reach(const Tensor& selectors, double eps) {
  return (selectors.sum(-1) + eps).reciprocal();
}

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
  codes_ = register_buffer("codes", expert_codes(experts).to(init.device()));
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

DSelectKGate::Logits DSelectKGate::logits(const Tensor& x) const {
  const auto dtype = gate_dtype(x);
  if (!per_token_) {
    return {bit_logits_.to(dtype).view({1, config_.k, bits_}), mix_logits_.to(dtype).unsqueeze(0)};
  }
  const auto h = x.to(dtype);  // [T, D]
  return {at::linear(h, bit_weight_.to(dtype), bit_bias_.to(dtype))
              .view({x.size(0), config_.k, bits_}),
          at::linear(h, mix_weight_.to(dtype), mix_bias_.to(dtype))};
}

Routing DSelectKGate::forward(const GateInput& input) {
  check_shape(input.x, {-1, d_model_}, "DSelectKGate input");
  const auto valid = input.valid();
  const int64_t T = input.x.size(0);
  const auto [bit, mix] = logits(input.x);
  const auto pick = selectors(smooth_bits(bit, config_.gamma), codes_);      // [n, k, E]
  auto weight = flush_tiny(mix_selectors(mix, pick)).expand({T, experts_});  // [T, E]
  // One value per token, from n = T or n = 1 of them: means over tokens are then the same for both.
  const auto of_tokens = [&](const Tensor& value) { return value.expand({T}); };
  if (valid.defined()) {
    weight = weight * valid.unsqueeze(1);
  }

  auto routing = Routing::dense(weight);
  const double entropy = config_.entropy_coefficient(input.context.progress);
  if (config_.entropy > 0) {
    routing.aux.push_back(
        {"entropy", token_mean(of_tokens(selector_entropy(pick).sum(1)), valid, input.ranks),
         entropy});
  }
  if (config_.reachability > 0 && experts_ != int64_t{1} << bits_) {
    routing.aux.push_back(
        {"reachability",
         token_mean(of_tokens(reciprocal_reach(pick, kReachEps).sum(1)), valid, input.ranks),
         config_.reachability});
  }

  routing.stats = gate_stats(routing, weight, {}, valid);
  at::NoGradGuard no_grad;
  routing.stats.gate["coincident_selectors"] = mean_over(of_tokens(coincident(pick.detach())), valid);
  if (bits_ > 0) {
    const auto decided =
        (bit.detach().abs() >= config_.gamma / 2).to(weight.scalar_type());  // [n, k, m]
    routing.stats.gate["saturated_bits"] =
        mean_over(of_tokens(decided.mean(at::IntArrayRef{1, 2})), valid);
  }
  return routing;
}

}  // namespace moe
