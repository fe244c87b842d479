// Figures of routed tokens against worked numbers: co-activation, entropies, saturation, specialists and
// ranks; the same from a text in pieces, and whatever the shape of a gate's slots.
#include <gmock/gmock.h>

#include <cmath>

#include "gates/routing.h"
#include "tests/support/golden.h"
#include "train/routed/agreement.h"
#include "train/routed/rank_load.h"
#include "train/routed/routing_tally.h"
#include "train/routed/token_classes.h"

namespace moe {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pointwise;

// Top-k of these logits, by softmax; as k slots, or as E slots with weights that are mostly 0.
KeptRouting top_k_of(const Tensor& logits, int64_t k, bool dense = false) {
  const auto p = logits.softmax(1);  // [T, E]
  const auto [weight, expert] = p.topk(k, 1);
  if (!dense) return {expert, weight, p};
  return {at::arange(p.size(1)).expand(p.sizes()),
          at::zeros_like(p).scatter(1, expert, weight), p};
}

KeptRouting part_of(const KeptRouting& all, int64_t begin, int64_t end) {
  return {all.expert.slice(0, begin, end), all.weight.slice(0, begin, end),
          all.distribution.slice(0, begin, end)};
}

Tensor no_class(int64_t tokens) { return at::zeros({tokens}, at::kLong); }

void expect_golden(const RoutingFigures& figures) {
  EXPECT_NEAR(figures.marginal_entropy,
              golden().at("metric marginal entropy of mean P").get<double>(), 1e-12);
  EXPECT_NEAR(figures.mutual_information,
              golden().at("metric MI(token;expert) soft = H(mean)-mean H").get<double>(), 1e-12);
  const auto share = golden().at("metric coact N_ij/N_i").get<std::vector<std::vector<double>>>();
  ASSERT_EQ(figures.coactivation.size(), share.size());
  for (size_t i = 0; i < share.size(); ++i) {
    EXPECT_THAT(figures.coactivation[i], Pointwise(DoubleNear(1e-12), share[i]));
  }
  EXPECT_THAT(figures.chosen, ElementsAre(5, 6, 3, 2));
}

TEST(RoutedFigures, WorkedNumbers) {
  const auto logits = golden_tensor("logits");
  for (const bool dense : {false, true}) {
    RoutingTally tally(4, {});
    const auto all = top_k_of(logits, 2, dense);
    for (const auto& [begin, end] : {std::pair{0, 3}, std::pair{3, 4}, std::pair{4, 8}}) {
      tally.add(part_of(all, begin, end), no_class(end - begin), 0, {});
    }
    expect_golden(tally.figures());
    EXPECT_THAT(tally.figures().by_source.groups, IsEmpty());
  }
}

// Padding has no routing that counts, whatever its slots hold.
TEST(RoutedFigures, PaddingIsLeftOut) {
  const auto logits = at::cat({golden_tensor("logits"), at::full({3, 4}, 7.0, at::kDouble)});
  RoutingTally tally(4, {});
  tally.add(top_k_of(logits, 2), no_class(11), 0, at::arange(11) < 8);
  expect_golden(tally.figures());
  EXPECT_EQ(tally.figures().by_class.tokens.at(0), 8);
}

TEST(RoutedFigures, MarginIsBestLessSecond) {
  RoutingTally tally(3, {});
  const auto p = at::tensor({0.7, 0.2, 0.1, 0.1, 0.45, 0.45, 0.0, 0.0, 4.0}, at::kDouble).view({3, 3});
  tally.add({at::zeros({3, 1}, at::kLong), at::ones({3, 1}), p}, no_class(3), 0, {});
  EXPECT_NEAR(tally.figures().margin, (0.5 + 0 + 1) / 3, 1e-12);
}

// A token without any share of an expert has no distribution, rather than one of entropy 0.
TEST(RoutedFigures, TokensWithoutADistributionAreLeftOut) {
  RoutingTally tally(2, {});
  const auto p = at::tensor({1.0, 1.0, 0.0, 0.0}, at::kDouble).view({2, 2});
  tally.add({at::full({2, 1}, kEmpty), at::zeros({2, 1}), p}, no_class(2), 0, {});
  EXPECT_NEAR(tally.figures().marginal_entropy, std::log(2), 1e-12);
  EXPECT_NEAR(tally.figures().mutual_information, 0, 1e-12);
  EXPECT_THAT(tally.figures().chosen, ElementsAre(0, 0));
}

// Nothing to say is not the same as a gate that has diverged.
TEST(RoutedFigures, WithoutAnyDistributionThereAreNone) {
  const auto figures_of = [](double share) {
    RoutingTally tally(2, {});
    tally.add({at::full({2, 1}, kEmpty), at::zeros({2, 1}), at::full({2, 2}, share, at::kDouble)},
              no_class(2), 0, {});
    return tally.figures();
  };
  EXPECT_FALSE(figures_of(0).has_p);
  EXPECT_TRUE(figures_of(NAN).has_p);
  EXPECT_TRUE(std::isnan(figures_of(NAN).margin));
  EXPECT_TRUE(std::isnan(figures_of(NAN).mutual_information));
}

TEST(RoutedFigures, TheClosestPairIsOfExpertsWithEnoughTokens) {
  RoutingTally tally(4, {});
  // 30 tokens of experts 0 and 1, 10 of 1 alone, 30 of 0 alone, one of 2 and 3.
  std::vector<int64_t> expert;
  for (int i = 0; i < 30; ++i) expert.insert(expert.end(), {1, 0, 0, kEmpty});
  for (int i = 0; i < 10; ++i) expert.insert(expert.end(), {kEmpty, 1});
  expert.insert(expert.end(), {2, 3});
  const auto slots = at::tensor(expert, at::kLong).view({-1, 2});  // [71, 2]
  tally.add({slots, at::ones(slots.sizes()), at::ones({71, 4})}, no_class(71), 0, {});
  const auto closest = tally.figures().closest;
  EXPECT_EQ(closest.first, 1);
  EXPECT_EQ(closest.second, 0);
  EXPECT_EQ(closest.share, 0.75);
  EXPECT_EQ(tally.figures().coactivation[0][1], 0.5);
}

TEST(RoutedFigures, ManyExpertsHaveNoMatrixOfPairs) {
  const int64_t E = RoutingTally::kMostPaired + 1;
  RoutingTally tally(E, {});
  tally.add({at::arange(4).view({2, 2}), at::ones({2, 2}), at::ones({2, E})}, no_class(2), 0, {});
  EXPECT_THAT(tally.figures().coactivation, IsEmpty());
  EXPECT_EQ(tally.figures().closest.share, 0);
}

TEST(Saturation, WorkedNumbers) {
  const auto logits = golden_tensor("logits");
  auto perturbed = logits.clone();
  perturbed[1] = at::tensor({1.1, 1.2, -.3, .4}, at::kDouble);
  perturbed[7] = at::tensor({1.1, 1.2, -.2, 1.3}, at::kDouble);
  const auto expected =
      golden().at("metric router saturation k=1 / k=2 (L vs L with t1,t7 perturbed)");
  for (const int64_t k : {1, 2}) {
    for (const bool dense : {false, true}) {
      Agreement agreement(4, k, k);
      const auto now = top_k_of(perturbed, k, dense), then = top_k_of(logits, k);
      agreement.add(part_of(now, 0, 5), part_of(then, 0, 5), {});
      agreement.add(part_of(now, 5, 8), part_of(then, 5, 8), {});
      EXPECT_NEAR(agreement.saturation(), expected.at(static_cast<size_t>(k - 1)), 1e-12) << k;
      EXPECT_NEAR(agreement.chance(), static_cast<double>(k) / 4, 1e-12);
    }
  }
}

// A gate that is still dense is compared by the k that it weighs most.
TEST(Saturation, OfTheLargestWeights) {
  const auto logits = golden_tensor("logits");
  Agreement agreement(4, 1, 1);
  agreement.add(top_k_of(logits, 4), top_k_of(-logits, 4), {});
  EXPECT_EQ(agreement.saturation(), 0);
  // Tokens for which the reference chose nothing have no share.
  Agreement half(4, 1, 1);
  auto reference = top_k_of(logits, 1);
  reference.weight = at::where((at::arange(8) < 4).unsqueeze(1), reference.weight, 0.0);
  half.add(top_k_of(logits, 1), reference, {});
  EXPECT_EQ(half.saturation(), 1);
  EXPECT_TRUE(half.any());
  EXPECT_FALSE(Agreement(4, 1, 1).any());
}

TEST(ByteClasses, EveryKind) {
  const auto name = [](int64_t id) {
    return std::string(kByteClasses.at(static_cast<size_t>(byte_class(id))));
  };
  const std::string lower = "az", upper = "AZ", digits = "09", marks = "!/:@[`{~_";
  for (const char c : lower) EXPECT_EQ(name(c), "lower");
  for (const char c : upper) EXPECT_EQ(name(c), "upper");
  for (const char c : digits) EXPECT_EQ(name(c), "digit");
  for (const char c : marks) EXPECT_EQ(name(c), "punctuation") << c;
  EXPECT_EQ(name(' '), "space");
  EXPECT_EQ(name('\t'), "space");
  EXPECT_EQ(name('\n'), "newline");
  EXPECT_EQ(name(0), "control");
  EXPECT_EQ(name(0x7F), "control");
  EXPECT_EQ(name(0x80), "utf8_continuation");
  EXPECT_EQ(name(0xBF), "utf8_continuation");
  EXPECT_EQ(name(0xC3), "utf8_lead");
  EXPECT_EQ(name(0xFF), "utf8_lead");
  EXPECT_EQ(name(256), "special");
  EXPECT_EQ(name(511), "special");
}

TEST(Specialisation, SharesLiftsAndInformation) {
  Specialisation found;
  found.groups = {"a", "b", "rare", "absent"};
  found.tokens = {40, 60, 2, 0};
  found.slots = {{40, 0, 0}, {10, 50, 0}, {0, 0, 2}, {0, 0, 0}};
  EXPECT_THAT(found.shares()[1], ElementsAre(DoubleNear(1.0 / 6, 1e-12), DoubleNear(5.0 / 6, 1e-12), 0));
  EXPECT_THAT(found.lifts()[0], ElementsAre(DoubleNear(102.0 / 50, 1e-12), 0, 0));
  EXPECT_THAT(found.shares()[3], ElementsAre(0, 0, 0));
  // H(group) + H(expert) - H(both).
  const auto entropy = [](const std::vector<double>& counts) {
    double sum = 0;
    for (const double count : counts) sum -= count / 102 * std::log(count / 102);
    return sum;
  };
  EXPECT_NEAR(found.information(),
              entropy({40, 60, 2}) + entropy({50, 50, 2}) - entropy({40, 10, 50, 2}), 1e-12);
  // Neither the group nor the expert with 2 of anything is a specialist of note.
  const auto specialists = found.specialists();
  ASSERT_EQ(specialists.size(), 2u);
  EXPECT_EQ(specialists[0].group, 0u);
  EXPECT_EQ(specialists[0].expert, 0u);
  EXPECT_NEAR(specialists[0].lift, 2.04, 1e-12);
  EXPECT_EQ(specialists[0].share, 1);
  EXPECT_EQ(specialists[1].expert, 1u);
  EXPECT_THAT(Specialisation().specialists(), IsEmpty());
  // A lift alone makes none: expert 2 has 20 of 100 slots of `a`, less than an expert's part, though it
  // has no others.
  found.slots = {{40, 40, 20}, {500, 500, 0}};
  found.groups = {"a", "b"};
  found.tokens = {100, 1000};
  for (const auto& one : found.specialists()) EXPECT_NE(one.expert, 2u);
}

TEST(RankLoad, TheOthersWaitForTheBusiest) {
  RankLoad ranks(2);
  ranks.add({1, 2, 3, 4});  // 3 and 7 of 5
  ranks.add({6, 0, 2, 0});  // 6 and 2 of 4
  ranks.add({0, 0, 0, 0});
  EXPECT_THAT(ranks.rows, ElementsAre(9, 9));
  EXPECT_THAT(ranks.busiest, ElementsAre(1, 1));
  EXPECT_EQ(ranks.batches, 2);
  EXPECT_NEAR(ranks.wait(), (7.0 / 5 + 6.0 / 4) / 2, 1e-12);
  EXPECT_NEAR(ranks.worst, 1.5, 1e-12);
  EXPECT_EQ(RankLoad(4).wait(), 0);
}

}  // namespace
}  // namespace moe
