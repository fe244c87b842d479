// Compute to reach equal quality, on curves written by hand.
#include "train/compare/savings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Compute 10, 100, 1000 at 3, 2, 1 bits.
const std::vector<CurvePoint> kCurve = {{10, 3}, {100, 2}, {1000, 1}};

CurveBlock of_one_seed(const std::vector<CurvePoint>& points) {
  CurveBlock block;
  for (const auto& point : points) {
    block.places.push_back({point});
  }
  return block;
}

double reached(const std::vector<CurvePoint>& curve, double quality, bool higher = false) {
  const auto equal = compute_at_quality(curve, quality, higher);
  EXPECT_EQ(equal.reach, Reach::kReached);
  return equal.compute;
}

TEST(ComputeAtQuality, IsOnTheLineOfLogCompute) {
  EXPECT_NEAR(reached(kCurve, 2.5), std::sqrt(1000.0), 1e-9);  // half-way between 10 and 100; not 55
  EXPECT_NEAR(reached(kCurve, 1.1), std::pow(10, 2.9), 1e-9);
  EXPECT_NEAR(reached(kCurve, 2), 100, 1e-9);
  EXPECT_NEAR(reached(kCurve, 3), 10, 1e-9);
  EXPECT_NEAR(reached(kCurve, 1), 1000, 1e-9);
  EXPECT_NEAR(reached({{10, 0.2}, {1000, 0.6}}, 0.4, true), 100, 1e-9);
}

TEST(ComputeAtQuality, NothingIsExtrapolated) {
  EXPECT_EQ(compute_at_quality(kCurve, 0.999, false).reach, Reach::kNotReached);
  EXPECT_EQ(compute_at_quality(kCurve, 3.001, false).reach, Reach::kBefore);
  EXPECT_EQ(compute_at_quality({{10, 0.5}}, 0.6, true).reach, Reach::kNotReached);
  EXPECT_EQ(compute_at_quality({{10, 0.5}}, 0.4, true).reach, Reach::kBefore);
  EXPECT_EQ(compute_at_quality({}, 1, true).reach, Reach::kNoCurve);
  EXPECT_EQ(compute_at_quality(kCurve, kNone, false).reach, Reach::kNoCurve);
}

// The wrong way round every answer changes.
TEST(ComputeAtQuality, KnowsWhichWayIsBetter) {
  EXPECT_EQ(compute_at_quality(kCurve, 2.5, true).reach, Reach::kBefore);
  EXPECT_EQ(compute_at_quality(kCurve, 3.5, true).reach, Reach::kNotReached);
}

// 3, 1.5, 2.5, 1: at 2 bits the curve is three times.
TEST(ComputeAtQuality, OfACurveThatGoesUpAndDownTheFirstCrossingCounts) {
  const std::vector<CurvePoint> curve = {{1, 3}, {10, 1.5}, {100, 2.5}, {1000, 1}};
  EXPECT_NEAR(reached(curve, 2), std::pow(10, 2.0 / 3), 1e-9);
  EXPECT_NEAR(reached(curve, 1.2), std::pow(10, 2 + 1.3 / 1.5), 1e-9);  // beyond what it lost again
  EXPECT_NEAR(reached({{1, 3}, {10, 2}, {100, 2}}, 2), 10, 1e-9);       // a level stretch, at its beginning
}

TEST(MeanCurve, IsOfSeedsByComputeAndLeavesOutWhatIsNoPoint) {
  const auto curve = mean_curve({{{{{200, 2}, {400, 4}}, {{0, 9}, {0, 9}}, {{50, kNone}, {50, 1}}}},
                                 of_one_seed({{100, 5}})});
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_EQ(curve[0].compute, 100);
  EXPECT_EQ(curve[1].compute, 300);
  EXPECT_EQ(curve[1].quality, 3);
}

TEST(Savings, OfOneSeedHasARatioAndNoInterval) {
  const auto saved = savings({of_one_seed(kCurve)}, {{50, 2}}, false);
  EXPECT_NEAR(saved.ratio.value(), 2, 1e-12);
  EXPECT_FALSE(saved.interval);
  EXPECT_FALSE(saved.over_candidate || saved.over_baseline);
  EXPECT_FALSE(savings({of_one_seed(kCurve)}, {{50, 0.5}}, false).ratio);
  // Seeds of the baseline alone would give an interval without what a second seed of the candidate would do.
  EXPECT_FALSE(savings({{{{{10, 3}, {10, 3}}, {{100, 2}, {100, 1}}}}}, {{50, 2}}, false).interval);
}

// Two seeds of the candidate, at 100 and 1000 of the curve for 50: of four equally likely draws one has the better
// twice, one the worse twice. The mean of a mixed draw is half-way in bits: 10^2.5.
TEST(Savings, IntervalIsOfSeedsDrawnAgain) {
  const auto saved = savings({of_one_seed(kCurve)}, {{50, 2}, {50, 1}}, false);
  EXPECT_NEAR(saved.ratio.value(), std::pow(10, 2.5) / 50, 1e-9);
  ASSERT_TRUE(saved.interval);
  EXPECT_NEAR(saved.interval->low.value(), 2, 1e-9);
  EXPECT_NEAR(saved.interval->high.value(), 20, 1e-9);
  EXPECT_TRUE(saved.over_candidate);
  EXPECT_FALSE(saved.over_baseline);
}

// Ten places a decade, a bit less in each decade; the second seed is a bit worse everywhere, so that it needs ten
// times the compute. Drawn place by place, one of the many places behind the mean's would have the better seed
// alone, and no draw would come near the worse seed's end.
TEST(Savings, ASeedOfTheBaselineIsDrawnForItsWholeCurve) {
  CurveBlock block;
  for (int i = 0; i <= 60; ++i) {
    const double compute = std::pow(10, i / 10.0), bits = 6 - i / 10.0;
    block.places.push_back({{compute, bits}, {compute, bits + 1}});
  }
  const auto saved = savings({block}, {{1000, 3}, {1000, 3}}, false);
  EXPECT_NEAR(saved.ratio.value(), std::sqrt(10.0), 1e-9);
  ASSERT_TRUE(saved.interval);
  EXPECT_NEAR(saved.interval->low.value(), 1, 1e-9);
  EXPECT_NEAR(saved.interval->high.value(), 10, 1e-9);
  EXPECT_TRUE(saved.over_baseline);
}

// A quarter of the draws is the seed beyond the curve twice.
TEST(Savings, DrawsBeyondTheCurveLeaveTheIntervalOpen) {
  const auto saved = savings({of_one_seed(kCurve)}, {{50, 2}, {50, 0.4}}, false);
  EXPECT_TRUE(saved.ratio);
  ASSERT_TRUE(saved.interval);
  EXPECT_NEAR(saved.interval->low.value(), 2, 1e-9);
  EXPECT_FALSE(saved.interval->high);
  EXPECT_NEAR(saved.not_reached, 0.25, 0.04);
  const auto worse = savings({of_one_seed(kCurve)}, {{50, 2}, {50, 3.4}}, false);
  EXPECT_FALSE(worse.interval->low);
  EXPECT_NEAR(worse.interval->high.value(), 2, 1e-9);
}

TEST(Savings, AreTheSameWheneverTheyAreAskedFor) {
  SeedPoints seeds;  // so many that other draws would give another interval
  for (int i = 1; i <= 11; ++i) {
    seeds.push_back({50.0 + i * i, 1.5 + 1.0 / i});
  }
  const auto once = savings({of_one_seed(kCurve)}, seeds, false), again = savings({of_one_seed(kCurve)}, seeds, false);
  EXPECT_EQ(once.interval->low, again.interval->low);
  EXPECT_EQ(once.interval->high, again.interval->high);
  EXPECT_LT(*once.interval->low, *once.ratio);
  EXPECT_GT(*once.interval->high, *once.ratio);
}

// Of many seeds of a normal quality the percentile interval is about that of the t test: ratio is 10^(2 - bits) times
// a constant.
TEST(Savings, IntervalIsAboutAsWideAsTheSpreadOverSeedsSays) {
  SeedPoints seeds;
  double squares = 0;
  constexpr int kSeeds = 40;
  for (int i = 0; i < kSeeds; ++i) {
    const double off = 0.3 * std::sin(2.4 * i);
    seeds.push_back({50, 2 + off});
    squares += off * off;
  }
  const auto saved = savings({of_one_seed(kCurve)}, seeds, false);
  const double half = 1.96 * std::sqrt(squares / kSeeds / kSeeds);  // in bits, which are powers of ten
  const double width = std::log10(*saved.interval->high / *saved.interval->low);
  EXPECT_NEAR(width, 2 * half, 0.2 * half);
}

}  // namespace
}  // namespace moe
