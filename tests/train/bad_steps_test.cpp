// The rule that tells bad steps from good ones, over plain numbers.
#include "train/bad_steps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// `count` good losses of this mean and deviation.
BadSteps after(int64_t count, double mean, double deviation, double spike = 4) {
  BadSteps bad;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_EQ(bad.judge(mean + (i % 2 == 0 ? deviation : -deviation), 1, spike), Verdict::kGood);
  }
  return bad;
}

TEST(BadSteps, WhatIsNotFiniteIsCounted) {
  BadSteps bad;
  EXPECT_EQ(bad.judge(kNan, 1, 0), Verdict::kNonfinite);
  EXPECT_EQ(bad.judge(kInf, 1, 0), Verdict::kNonfinite);
  EXPECT_EQ(bad.judge(2, kNan, 0), Verdict::kNonfinite);
  EXPECT_EQ(bad.judge(2, kInf, 0), Verdict::kNonfinite);
  EXPECT_EQ(bad.judge(2, 1e30, 0), Verdict::kGood);
  EXPECT_EQ(bad.nonfinite, 4);
  EXPECT_EQ(bad.total(), 4);
  EXPECT_EQ(bad.text(), "4 not finite, 0 spikes, 0 rollbacks");
}

TEST(BadSteps, ASpikeIsThatManyDeviationsAboveTheMean) {
  auto bad = after(40, 2, 0.1);
  EXPECT_EQ(bad.judge(2.39, 1, 4), Verdict::kGood);
  bad = after(40, 2, 0.1);
  EXPECT_EQ(bad.judge(2.41, 1, 4), Verdict::kSpike);
  EXPECT_EQ(bad.judge(2.41, 1, 5), Verdict::kGood);
  EXPECT_EQ(bad.judge(-7, 1, 4), Verdict::kGood) << "below is no spike";
  EXPECT_EQ(bad.text(), "0 not finite, 1 spike, 0 rollbacks");
}

TEST(BadSteps, NothingIsASpikeAtZeroOrBeforeTwentyLosses) {
  auto never = after(40, 2, 0.1, 0);
  EXPECT_EQ(never.judge(1000, 1, 0), Verdict::kGood);
  EXPECT_TRUE(never.recent.empty()) << "kept for nobody";
  auto early = after(19, 2, 0.1);
  EXPECT_EQ(early.judge(1000, 1, 4), Verdict::kGood);
  auto enough = after(20, 2, 0.1);
  EXPECT_EQ(enough.judge(1000, 1, 4), Verdict::kSpike);
}

TEST(BadSteps, ABadLossIsNotHeldAgainstLaterOnes) {
  auto bad = after(40, 2, 0.1);
  const auto before = bad.recent;
  EXPECT_EQ(bad.judge(50, 1, 4), Verdict::kSpike);
  EXPECT_EQ(bad.judge(kNan, 1, 4), Verdict::kNonfinite);
  EXPECT_EQ(bad.recent, before);
  EXPECT_EQ(bad.judge(50, 1, 4), Verdict::kSpike) << "a second one alike";
}

TEST(BadSteps, OnlyTheLastHundredCount) {
  auto bad = after(150, 9, 0.1);
  EXPECT_EQ(bad.recent.size(), BadSteps::kWindow);
  for (int i = 0; i < 100; ++i) bad.judge(i % 2 == 0 ? 1.9 : 2.1, 1, 4);
  EXPECT_EQ(bad.judge(3, 1, 4), Verdict::kSpike);
}

TEST(BadSteps, OnAFlatCurveAThousandthOfTheMeanIsADeviation) {
  auto bad = after(40, 2, 0);
  EXPECT_EQ(bad.judge(2.007, 1, 4), Verdict::kGood);
  bad = after(40, 2, 0);
  EXPECT_EQ(bad.judge(2.009, 1, 4), Verdict::kSpike);
}

}  // namespace
}  // namespace moe
