#include "gates/gate_stats.h"

#include "gates/routing.h"

namespace moe {

GateStats& GateStats::operator+=(const GateStats& other) {
  if (!defined()) {
    return *this = other;
  }
  tokens_per_expert = tokens_per_expert + other.tokens_per_expert;
  tokens = tokens + other.tokens;
  live_slots = live_slots + other.live_slots;
  empty_tokens = empty_tokens + other.empty_tokens;
  dropped_slots = dropped_slots + other.dropped_slots;
  entropy = entropy + other.entropy;
  for (const auto& [name, mean] : other.gate) {
    auto& mine = gate[name];
    mine = mine.sum.defined() ? Mean{mine.sum + mean.sum, mine.count + mean.count} : mean;
  }
  return *this;
}

GateStats gate_stats(const Routing& routing, const Tensor& distribution, const Tensor& dropped,
                     const Tensor& valid) {
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
  auto served = live.any(1);  // [T]
  if (valid.defined()) {
    stats.tokens = count(valid);
    served = served | valid.logical_not();
  } else {
    stats.tokens = at::full({}, T, options);
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

}  // namespace moe
