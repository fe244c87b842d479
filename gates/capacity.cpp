#include "gates/capacity.h"

#include <algorithm>
#include <cmath>

#include "gates/routing.h"

namespace moe {

int64_t expert_capacity(int64_t tokens, int64_t k, int64_t experts, double factor) {
  const double share = static_cast<double>(tokens * k) / static_cast<double>(experts) * factor;
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(share)));
}

Tensor queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order) {
  const bool by_choice = order == CapacityOrder::kChoice;
  const auto queue = by_choice ? expert.t().contiguous() : expert.contiguous();  // [T, K] or [K, T]
  const auto slots = queue.view({-1});                                           // [T * K]
  const auto ids = at::arange(experts, expert.options());
  const auto member = (slots.unsqueeze(1) == ids).to(at::kLong);                 // [T * K, E]
  const auto position = (member.cumsum(0) * member).sum(1) - 1;                  // [T * K]
  const auto placed = position.view(queue.sizes());
  return by_choice ? placed.t().contiguous() : placed;
}

}  // namespace moe
