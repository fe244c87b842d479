#include "gates/capacity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gates/routing.h"

namespace moe {

int64_t expert_capacity(int64_t tokens, int64_t k, int64_t experts, double factor) {
  const double share = static_cast<double>(tokens * k) / static_cast<double>(experts) * factor;
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(share)));
}

CapacityOrder capacity_order(const std::string& word) {
  if (word == "token") {
    return CapacityOrder::kToken;
  }
  TORCH_CHECK(word == "choice" || word == "priority", "capacity order: unknown word '", word, "'");
  return word == "choice" ? CapacityOrder::kChoice : CapacityOrder::kPriority;
}

Tensor queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order,
                       int64_t group_tokens, const Tensor& priority) {
  const int64_t T = expert.size(0), K = expert.size(1);
  // N tokens in each of G groups, the last one filled up with tokens that choose nothing.
  const int64_t N = std::max<int64_t>(1, group_tokens == 0 ? T : std::min(group_tokens, T));
  const int64_t G = (T + N - 1) / N, filling = G * N - T;
  auto queue = at::constant_pad_nd(expert, {0, 0, 0, filling}, kEmpty).view({G, N, K});

  Tensor from;  // [G, N, K]: the token that stands at each place of its group's order
  if (order == CapacityOrder::kPriority) {
    constexpr double last = -std::numeric_limits<double>::infinity();
    from = at::constant_pad_nd(priority, {0, filling}, last)
               .view({G, N})
               .argsort(/*stable=*/true, /*dim=*/1, /*descending=*/true)
               .unsqueeze(2)
               .expand({G, N, K});
    queue = queue.gather(1, from);
  }
  const bool by_choice = order != CapacityOrder::kToken;
  if (by_choice) {
    queue = queue.transpose(1, 2);  // [G, K, N]
  }
  const auto slots = queue.reshape({G, N * K});
  const auto ids = at::arange(experts, expert.options());
  const auto member = (slots.unsqueeze(2) == ids).to(at::kLong);           // [G, N * K, E]
  auto place = ((member.cumsum(1) * member).sum(2) - 1).view(queue.sizes());
  if (by_choice) {
    place = place.transpose(1, 2);  // [G, N, K]
  }
  if (from.defined()) {
    place = at::empty({G, N, K}, expert.options()).scatter_(1, from, place);
  }
  return place.reshape({G * N, K}).narrow(0, 0, T);
}

}  // namespace moe
