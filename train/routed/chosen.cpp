#include "train/routed/chosen.h"

#include <algorithm>

#include "gates/routing.h"

namespace moe {
namespace {

Tensor marked(const Tensor& expert, const Tensor& weight, int64_t experts) {
  const auto live = (expert != kEmpty) & (weight != 0);  // [T, K]
  // One column more takes the slots that are not live.
  const auto column = at::where(live, expert, at::full({}, experts, expert.options()));
  return at::zeros({expert.size(0), experts + 1}, weight.options().dtype(at::kFloat))
      .scatter_(1, column, 1)
      .narrow(1, 0, experts);  // [T, E]
}

}  // namespace

Tensor chosen_experts(const KeptRouting& routing, int64_t experts) {
  return marked(routing.expert, routing.weight, experts);
}

Tensor top_experts(const KeptRouting& routing, int64_t experts, int64_t k) {
  const auto [weight, slot] = routing.weight.topk(std::min(k, routing.weight.size(1)), 1);  // [T, k]
  return marked(routing.expert.gather(1, slot), weight, experts);
}

}  // namespace moe
