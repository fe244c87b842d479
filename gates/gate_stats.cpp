#include "gates/gate_stats.h"

#include "gates/routing.h"

namespace moe {
namespace {

// Undefined where both are: a figure that was not asked for.
Tensor added(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}

}  // namespace

GateStats& GateStats::operator+=(const GateStats& other) {
  if (!defined()) {
    return *this = other;
  }
  tokens_per_expert = tokens_per_expert + other.tokens_per_expert;
  tokens = tokens + other.tokens;
  live_slots = live_slots + other.live_slots;
  empty_tokens = added(empty_tokens, other.empty_tokens);
  dropped_slots = added(dropped_slots, other.dropped_slots);
  entropy = added(entropy, other.entropy);
  for (const auto& [name, mean] : other.gate) {
    auto& mine = gate[name];
    mine = mine.sum.defined() ? Mean{mine.sum + mean.sum, mine.count + mean.count} : mean;
  }
  return *this;
}

GateStats gate_stats(const Routing& routing, const Tensor& distribution, const Tensor& dropped,
                     const Tensor& valid, bool diagnostics) {
  at::NoGradGuard no_grad;
  const int64_t T = routing.expert.size(0), E = distribution.size(1);
  const auto options = distribution.options().dtype(at::kDouble).requires_grad(false);
  const auto count = [&](const Tensor& mask) { return mask.sum(at::kDouble); };

  GateStats stats;
  const auto live = routing.live();  // [T, K]
  // One bin more than experts collects the slots that are not live.
  const auto bin = at::where(live, routing.expert, at::full({}, E, routing.expert.options()));
  stats.tokens_per_expert = at::zeros({E + 1}, options)
                                .scatter_add(0, bin.reshape({-1}), at::ones({}, options).expand({T * bin.size(1)}))
                                .narrow(0, 0, E);  // [E]
  stats.live_slots = count(live);
  stats.tokens = valid.defined() ? count(valid) : at::full({}, T, options);
  if (!diagnostics) {
    return stats;
  }
  auto served = live.any(1);  // [T]
  if (valid.defined()) {
    served = served | valid.logical_not();
  }
  stats.empty_tokens = count(served.logical_not());
  stats.dropped_slots = dropped.defined() ? count(dropped) : at::zeros({}, options);

  const auto mass = distribution.detach();                                      // [T, E]
  const auto p = mass / mass.sum(1, /*keepdim=*/true).clamp_min(1e-30);         // [T, E]
  auto entropy = -at::xlogy(p, p).sum(1);                                       // [T]
  if (valid.defined()) {
    entropy = entropy * valid;
  }
  stats.entropy = entropy.sum(at::kDouble);
  return stats;
}

GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid) {
  const auto value = per_token.to(at::kDouble);
  if (!valid.defined()) {
    return {value.sum(), at::full({}, static_cast<double>(value.numel()), value.options())};
  }
  return {(value * valid).sum(), valid.sum(at::kDouble)};
}

}  // namespace moe
