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

// In one group, token by token or choice by choice: places among this rank's own slots, and how many slots
// of the same expert stand before all of them, counted.
static Tensor places_by_counts(const Tensor& expert, int64_t experts, CapacityOrder order,
                               const RankScope& ranks) {
  const auto own = queue_positions(expert, experts, order);  // [T, K]
  const auto ids = at::arange(experts, expert.options());
  const auto count = (expert.unsqueeze(2) == ids).sum(0);    // [K, E]
  Tensor ahead;                                              // [K, E]
  if (order == CapacityOrder::kToken) {
    ahead = ranks.exclusive_scan(count.sum(0)).expand_as(count);
  } else {
    // Earlier choices of the other ranks, for `own` has this rank's; the same choice of the ranks before.
    const auto others = ranks.sum(count) - count;
    ahead = others.cumsum(0) - others + ranks.exclusive_scan(count);
  }
  const auto of_slots = ahead.gather(1, expert.clamp_min(0).t()).t();  // [T, K]
  return at::where(expert < 0, own, own + of_slots);
}

// [all, ...]: the rows of all ranks, in their order.
static Tensor rows_of_all(const Tensor& rows, const RankTokens& tokens) {
  auto shape = rows.sizes().vec();
  shape[0] = tokens.all;
  auto all = at::zeros(shape, rows.options());
  all.narrow(0, tokens.before, rows.size(0)).copy_(rows);
  return tokens.ranks.sum(all);  // every row has one rank that it is not 0 on
}

Tensor world_queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order,
                             int64_t group_tokens, const Tensor& priority, const RankTokens& tokens) {
  if (tokens.ranks.ranks() == 1) {
    return queue_positions(expert, experts, order, group_tokens, priority);
  }
  const int64_t end = tokens.before + expert.size(0);
  TORCH_CHECK(end <= tokens.all, "capacity over ranks: tokens ", tokens.before, " to ", end, " of ",
              tokens.all);
  const bool one_group = group_tokens == 0 || group_tokens >= tokens.all;
  const bool by_priority = order == CapacityOrder::kPriority;
  if (one_group && !by_priority) {
    return places_by_counts(expert, experts, order, tokens.ranks);
  }
  // Whole groups, those that this rank's tokens are in.
  const int64_t N = std::max<int64_t>(1, one_group ? tokens.all : group_tokens);
  const int64_t from = tokens.before / N * N;
  const int64_t count = std::min(tokens.all, (end + N - 1) / N * N) - from;
  const auto slots = rows_of_all(expert, tokens).narrow(0, from, count);  // [count, K]
  Tensor order_by;                                                        // [count]
  if (by_priority) {
    order_by = rows_of_all(priority, tokens).narrow(0, from, count);
  }
  return queue_positions(slots, experts, order, N, order_by)
      .narrow(0, tokens.before - from, expert.size(0));
}

}  // namespace moe
