#include "gates/gate_stats.h"

#include <algorithm>

#include "gates/routing.h"

namespace moe {
namespace {

// Undefined where both are: a figure that was not asked for.
Tensor added(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}

// Whether two gates are made of as many parts, each over as many experts.
bool alike(const std::vector<GateStats>& a, const std::vector<GateStats>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.tokens_per_expert.sizes() == y.tokens_per_expert.sizes();
  });
}

}  // namespace

GateStats& GateStats::operator+=(const GateStats& other) {
  if (!defined()) {
    *this = other;
    distribution = Tensor();
    return *this;
  }
  tokens_per_expert = tokens_per_expert + other.tokens_per_expert;
  tokens = tokens + other.tokens;
  live_slots = live_slots + other.live_slots;
  empty_tokens = added(empty_tokens, other.empty_tokens);
  dropped_slots = added(dropped_slots, other.dropped_slots);
  entropy = added(entropy, other.entropy);
  slots_histogram = added(slots_histogram, other.slots_histogram);
  top_weight = added(top_weight, other.top_weight);
  distribution = Tensor();
  for (const auto& [name, mean] : other.gate) {
    auto& mine = gate[name];
    mine = mine.sum.defined() ? Mean{mine.sum + mean.sum, mine.count + mean.count} : mean;
  }
  if (!alike(parts, other.parts)) {
    parts.clear();
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i] += other.parts[i];
  }
  return *this;
}

std::vector<Tensor*> summed_tensors(GateStats& stats) {
  std::vector<Tensor*> tensors;
  const auto add = [&](Tensor& tensor) {
    if (tensor.defined()) {
      TORCH_CHECK(tensor.scalar_type() == at::kDouble, "gate statistics: expected float64, found ",
                  tensor.scalar_type());
      tensors.push_back(&tensor);
    }
  };
  for (auto* tensor : {&stats.tokens_per_expert, &stats.tokens, &stats.live_slots, &stats.empty_tokens,
                       &stats.dropped_slots, &stats.entropy, &stats.slots_histogram, &stats.top_weight}) {
    add(*tensor);
  }
  for (auto& [name, mean] : stats.gate) {
    add(mean.sum);
    add(mean.count);
  }
  for (auto& part : stats.parts) {
    const auto below = summed_tensors(part);
    tensors.insert(tensors.end(), below.begin(), below.end());
  }
  return tensors;
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
  stats.distribution = mass;

  const auto slots = live.sum(1);  // [T]
  // One bin more for padding.
  const auto slot_bin =
      valid.defined() ? at::where(valid, slots, at::full({}, E + 1, slots.options())) : slots;
  stats.slots_histogram = at::zeros({E + 2}, options)
                              .scatter_add(0, slot_bin, at::ones({}, options).expand({T}))
                              .narrow(0, 0, E + 1);  // [E + 1]
  const auto weight = at::where(live, routing.weight.detach(), at::zeros({}, routing.weight.options()));
  stats.top_weight =
      (weight.amax(1) / weight.sum(1).clamp_min(1e-30)).sum(at::kDouble);  // 0 for an empty token
  return stats;
}

GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid) {
  const auto value = per_token.to(at::kDouble);
  const auto options = value.options().requires_grad(false);
  if (!valid.defined()) {
    return {value.sum(0), at::full({}, static_cast<double>(value.size(0)), options)};
  }
  const auto mask = value.dim() == 2 ? valid.unsqueeze(1) : valid;
  return {(value * mask).sum(0), valid.sum(at::kDouble)};
}

}  // namespace moe
