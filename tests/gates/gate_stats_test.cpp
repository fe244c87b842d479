// What gates count, and the figures made of it, on tables worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "gates/load_metrics.h"
#include "gates/routing.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor table(std::vector<double> values, int64_t columns) {
  return at::tensor(values, at::kDouble).view({-1, columns});
}

// Five tokens, four experts, K 3; the last one is padding. Live slots: 2, 1, 0, 3.
struct Table {
  Routing routing;
  Tensor valid = at::tensor({1, 1, 1, 1, 0}).to(at::kBool);

  Table() {
    routing.expert =
        at::tensor({0, 1, -1, 0, -1, 2, -1, -1, -1, 3, 1, 0, -1, -1, -1}, at::kLong).view({5, 3});
    routing.weight =
        table({.75, .25, 0, .5, 0, 0, 0, 0, 0, .2, .2, .4, 0, 0, 0}, 3);
  }
  GateStats stats(bool diagnostics = true) const {
    const auto distribution =
        table({1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}, 4);
    return gate_stats(routing, distribution, {}, valid, diagnostics);
  }
};

TEST(GateStats, CountsOfAWorkedTable) {
  const auto stats = Table().stats();
  EXPECT_TRUE(near(stats.tokens_per_expert, at::tensor({3., 2., 0., 1.}, at::kDouble), 0));
  EXPECT_EQ(stats.tokens.item<double>(), 4);
  EXPECT_EQ(stats.live_slots.item<double>(), 6);
  EXPECT_EQ(stats.empty_tokens.item<double>(), 1);
  EXPECT_NEAR(stats.entropy.item<double>(), std::log(2) + std::log(4), 1e-12);
  EXPECT_TRUE(near(stats.slots_histogram, at::tensor({1., 1., 1., 1., 0.}, at::kDouble), 0));
  EXPECT_NEAR(stats.top_weight.item<double>(), .75 + 1 + .5, 1e-12);
}

TEST(LoadMetrics, FiguresOfAWorkedTable) {
  const auto m = load_metrics(Table().stats());
  EXPECT_EQ(m.slots_per_token, 1.5);
  EXPECT_EQ(m.empty_tokens, 0.25);
  EXPECT_NEAR(m.top_weight, 2.25 / 3, 1e-12) << "over the tokens that have a slot";
  EXPECT_EQ(m.slots_histogram, (std::vector<double>{1, 1, 1, 1})) << "to the last bin with a token";
  EXPECT_EQ(m.dead_experts, 1);
  EXPECT_NEAR(m.max_vio, 3 / 1.5 - 1, 1e-12);
  EXPECT_NEAR(m.load_cv, std::sqrt((2.25 + .25 + 2.25 + .25) / 4) / 1.5, 1e-12);
}

TEST(LoadMetrics, OfTokensWithoutAnySlotAreZerosAndNoNumbersThatAreNone) {
  Table table;
  table.routing.weight.zero_();
  const auto m = load_metrics(table.stats());
  EXPECT_EQ(m.top_weight, 0);
  EXPECT_EQ(m.empty_tokens, 1);
  EXPECT_EQ(m.slots_histogram, (std::vector<double>{4}));
  EXPECT_EQ(m.max_vio, 0);
}

TEST(LoadMetrics, WithoutDiagnosticsIsNotANumberButWhatTrainingNeeds) {
  const auto m = load_metrics(Table().stats(false));
  EXPECT_EQ(m.slots_per_token, 1.5);
  EXPECT_EQ(m.tokens_per_expert, (std::vector<double>{3, 2, 0, 1}));
  for (const double value : {m.entropy, m.empty_tokens, m.dropped, m.top_weight}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_TRUE(m.slots_histogram.empty());
}

TEST(GateStats, AddUpOverMicroBatches) {
  Table one, two;
  two.routing.weight = two.routing.weight.clone();
  two.routing.weight.select(0, 2).fill_(0.1);  // of empty slots: not live
  two.routing.expert = two.routing.expert.clone();
  two.routing.expert.select(0, 2).copy_(at::tensor({0L, 1L, 2L}));
  auto sum = one.stats();
  sum.gate["list"] = {at::tensor({1., 2.}, at::kDouble), at::tensor(4., at::kDouble)};
  auto other = two.stats();
  other.gate["list"] = {at::tensor({3., 0.}, at::kDouble), at::tensor(4., at::kDouble)};
  GateStats all;
  all += sum;
  all += other;
  const auto m = load_metrics(all);
  EXPECT_EQ(m.slots_per_token, (6.0 + 9) / 8);
  EXPECT_EQ(m.slots_histogram, (std::vector<double>{1, 2, 2, 3}));
  EXPECT_NEAR(m.top_weight, (2.25 * 2 + 1.0 / 3) / 7, 1e-12);
  EXPECT_EQ(m.gate_lists.at("list"), (std::vector<double>{.5, .25}));
  EXPECT_EQ(m.gate.count("list"), 0u);
}

TEST(GateStats, SummedTensorsAreAllThatAddsUpAndNothingElse) {
  auto stats = Table().stats();
  EXPECT_EQ(summed_tensors(stats).size(), 8u) << "distribution is of every token";
  stats.gate["b"] = {at::tensor({1., 2.}, at::kDouble), at::tensor(4., at::kDouble)};
  stats.gate["a"] = {at::tensor(1., at::kDouble), at::tensor(2., at::kDouble)};
  stats.parts = {Table().stats(false)};
  const auto tensors = summed_tensors(stats);
  ASSERT_EQ(tensors.size(), 8u + 4 + 3) << "without diagnostics a part has three";
  EXPECT_EQ(tensors[8], &stats.gate["a"].sum);
  EXPECT_EQ(tensors.back(), &stats.parts[0].live_slots);
  // Twice each is what the same statistics add up to.
  auto twice = stats;
  twice += stats;
  for (auto* tensor : tensors) {
    *tensor = *tensor * 2;
  }
  const auto sums = summed_tensors(twice);
  ASSERT_EQ(sums.size(), tensors.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_TRUE(near(*sums[i], *tensors[i], 0));
  }
  stats.entropy = stats.entropy.to(at::kFloat);
  EXPECT_THROW(summed_tensors(stats), c10::Error);
}

TEST(MeanOver, OneFigureOrSeveralOverValidTokens) {
  const auto valid = at::tensor({1, 0, 1}).to(at::kBool);
  const auto one = mean_over(at::tensor({1., 10., 2.}, at::kDouble), valid);
  EXPECT_EQ(one.sum.item<double>(), 3);
  EXPECT_EQ(one.count.item<double>(), 2);
  const auto two = table({1, 0, 10, 10, 2, 5}, 2);
  EXPECT_TRUE(near(mean_over(two, valid).sum, at::tensor({3., 5.}, at::kDouble), 0));
  EXPECT_TRUE(near(mean_over(two, {}).sum, at::tensor({13., 15.}, at::kDouble), 0));
  EXPECT_EQ(mean_over(two, {}).count.item<double>(), 3);
}

}  // namespace
}  // namespace moe
