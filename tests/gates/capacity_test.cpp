// Groups and priorities of capacity, and what route_slots() makes of slots.
#include "gates/capacity.h"

#include <gtest/gtest.h>

#include <numeric>

#include "gates/top_k_choice.h"
#include "tests/support/table_gate.h"
#include "tests/support/tensors.h"
#include "tests/support/thread_ranks.h"

namespace moe {
namespace {

Tensor both_choices() {
  return at::stack({golden_tensor("top1"), golden_tensor("top2")}, 1).to(at::kLong);  // [8, 2]
}
Tensor first_probability() {
  return golden_tensor("top2 raw softmax probs (no renorm)").select(1, 0);
}

TEST(Capacity, QueuesByPriorityAsPublished) {
  const auto place =
      queue_positions(both_choices(), 4, CapacityOrder::kPriority, 0, first_probability());
  EXPECT_TRUE(near(place.t(), golden_tensor("BPR positions"), 0));
}

TEST(Capacity, EqualPrioritiesKeepTheOrderOfTokens) {
  const auto expert = both_choices();
  EXPECT_TRUE(near(queue_positions(expert, 4, CapacityOrder::kPriority, 0, at::ones({8}, at::kDouble)),
                   queue_positions(expert, 4, CapacityOrder::kChoice), 0));
}

TEST(Capacity, GroupsFillExpertsOfTheirOwn) {
  const auto expert = both_choices();
  for (const auto order :
       {CapacityOrder::kToken, CapacityOrder::kChoice, CapacityOrder::kPriority}) {
    for (const int64_t group : {1, 3, 4, 8, 100}) {  // 8 = 3 + 3 + 2
      const auto groups = expert.split(group), priorities = first_probability().split(group);
      std::vector<Tensor> alone;
      for (size_t i = 0; i < groups.size(); ++i) {
        alone.push_back(queue_positions(groups[i], 4, order, 0, priorities[i]));
      }
      EXPECT_TRUE(near(queue_positions(expert, 4, order, group, first_probability()), at::cat(alone), 0))
          << "group of " << group << ", order " << static_cast<int>(order);
    }
  }
}

TEST(Capacity, PlacesOverRanksAreThoseOfOneRank) {
  const Initializer draw(3, at::kDouble);
  const auto expert = draw.uniform("expert", {30, 3}, 2.5).round().to(at::kLong) + 1;  // kEmpty too
  const auto priority = draw.uniform("priority", {30}, 2).round();                     // ties
  for (const auto order :
       {CapacityOrder::kToken, CapacityOrder::kChoice, CapacityOrder::kPriority}) {
    for (const int64_t group : {0, 1, 4, 7, 10, 30, 100}) {
      const auto expected = queue_positions(expert, 5, order, group, priority);
      for (const std::vector<int64_t>& layout :
           std::vector<std::vector<int64_t>>{{30}, {0, 30}, {30, 0}, {10, 20}, {3, 0, 20, 7}}) {
        run_ranks(static_cast<int64_t>(layout.size()), [&](const RankScope& ranks, int64_t rank) {
          const int64_t before = std::accumulate(layout.begin(), layout.begin() + rank, int64_t{0});
          const int64_t T = layout[static_cast<size_t>(rank)];
          EXPECT_TRUE(near(world_queue_positions(expert.narrow(0, before, T), 5, order, group,
                                                 priority.narrow(0, before, T), {ranks, 30, before}),
                           expected.narrow(0, before, T), 0))
              << "group of " << group << ", order " << static_cast<int>(order) << ", rank " << rank;
        });
      }
    }
  }
}

TEST(Capacity, EmptySlotsStandInNoQueueInAnyOrder) {
  const auto expert = longs({0, kEmpty, 0, 1, kEmpty, 0}).view({3, 2});
  const auto priority = at::tensor({.1, .2, .3}, at::kDouble);
  EXPECT_TRUE(near(queue_positions(expert, 2, CapacityOrder::kChoice),
                   longs({0, -1, 1, 0, -1, 2}).view({3, 2}), 0));
  EXPECT_TRUE(near(queue_positions(expert, 2, CapacityOrder::kPriority, 0, priority),
                   longs({1, -1, 0, 0, -1, 2}).view({3, 2}), 0));
  EXPECT_EQ(queue_positions(at::empty({0, 2}, at::kLong), 2, CapacityOrder::kChoice, 4).size(0), 0);
}

TEST(Capacity, TheFigureIsTheNumberThatAFactorMeans) {
  // One factor, three numbers: 8 tokens, 4 experts, 2 choices.
  const auto capacity = [](const std::string& yaml) {
    return gate_figure(TableGate(yaml).forward(), "capacity");
  };
  EXPECT_EQ(capacity("{kind: top_k, k: 2, capacity_factor: 1.25}"), 5);
  EXPECT_EQ(capacity("{kind: st_moe, capacity_factor: 1.25}"), 3);
  EXPECT_EQ(capacity("{kind: st_moe, capacity_factor: 1.25, group_tokens: 4}"), 2);
  EXPECT_EQ(capacity("{kind: gshard_top_2}"), 4);  // 2 N / E
  EXPECT_EQ(TableGate("{kind: top_k}").forward().stats.gate.count("capacity"), 0);
}

TEST(Capacity, PerGroupDropsWhatItsGroupDoesNotHold) {
  // 4 tokens a group, ceil(4 / 4) = 1 token per expert: first choices 0 0 1 0 | 0 2 0 1.
  const auto routing = TableGate("{kind: switch, capacity_factor: 1, jitter: 0}").forward();
  TableGate grouped("{kind: top_k, k: 1, capacity_factor: 1, group_tokens: 4}");
  const auto expected = longs({0, -1, 1, -1, 0, 2, -1, 1}).view({8, 1});
  EXPECT_TRUE(near(grouped.forward().expert, expected, 0));
  EXPECT_FALSE(near(routing.expert, expected, 0));
}

// Tokens whose first choice is full, whose second is, and both, from explicit slots.
TEST(RouteSlots, RefusedAndWeightlessSlotsTakeNoPlace) {
  TestBatch batch(1, 3, 2, at::kDouble);
  const auto probability = at::tensor({.6, .4, .5, .5, .7, .3}, at::kDouble).view({3, 2});
  const auto expert = longs({0, 1, 0, 1, 0, 1}).view({3, 2});
  CapacityOptions options;
  options.factor = 1.0 / 3;  // ceil(3 * 2 / 3 / 2) = 1 token per expert
  WantedSlots wanted{expert, probability, {}, probability};
  EXPECT_TRUE(near(route_slots(wanted, options, batch.input()).expert,
                   longs({0, 1, -1, -1, -1, -1}).view({3, 2}), 0));
  wanted.weight = at::tensor({0., .4, .5, .5, .7, .3}, at::kDouble).view({3, 2});
  wanted.refused = at::tensor({0, 1, 0, 0, 0, 0}).view({3, 2}).to(at::kBool);
  const auto routing = route_slots(wanted, options, batch.input());
  EXPECT_TRUE(near(routing.expert, longs({0, -1, 0, 1, -1, -1}).view({3, 2}), 0));
  EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 2);  // what is refused is not dropped
}

TEST(RouteSlots, RenormalizesWhatIsLeftAndLeavesEmptyTokensAtZero) {
  TestBatch batch(1, 3, 2, at::kDouble);
  batch.context.valid = (at::arange(3) < 2).view({1, 3});
  const auto weight =
      at::tensor({.6, .2, .5, .1, .7, .3}, at::kDouble).view({3, 2}).requires_grad_(true);
  WantedSlots wanted{longs({0, 1, 0, 1, 0, 1}).view({3, 2}), weight,
                     at::tensor({0, 0, 0, 1, 0, 0}).view({3, 2}).to(at::kBool), weight, true};
  const auto routing = route_slots(wanted, {}, batch.input());
  EXPECT_TRUE(near(routing.weight, at::tensor({.75, .25, 1., 0., 0., 0.}, at::kDouble).view({3, 2}),
                   1e-15));
  routing.weight.square().sum().backward();
  EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  EXPECT_TRUE(near(weight.grad().narrow(0, 1, 2), at::zeros({2, 2}), 1e-15));
}

}  // namespace
}  // namespace moe
