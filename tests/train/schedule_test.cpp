// Learning rates at the joints of every schedule.
#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace moe {
namespace {

ScheduleConfig schedule(const std::string& kind, int64_t warmup = 10, double final_ratio = 0.1) {
  ScheduleConfig config;
  config.kind = kind;
  config.lr = 2e-3;
  config.warmup = warmup;
  config.final_ratio = final_ratio;
  return config;
}

TEST(Schedule, EveryKindWarmsUpLinearlyAndPeaksAtItsEnd) {
  for (const char* kind : {"cosine", "linear", "constant", "inverse_sqrt"}) {
    const auto config = schedule(kind);
    EXPECT_DOUBLE_EQ(learning_rate(config, 1, 110), 2e-4) << kind;
    EXPECT_DOUBLE_EQ(learning_rate(config, 9, 110), 1.8e-3) << kind;
    EXPECT_DOUBLE_EQ(learning_rate(config, 10, 110), 2e-3) << kind;
  }
}

TEST(Schedule, CosineIsHalfwayInTheMiddleAndEndsAtTheFinalRatio) {
  const auto config = schedule("cosine");
  EXPECT_NEAR(learning_rate(config, 60, 110), 2e-3 * 0.55, 1e-15);
  EXPECT_NEAR(learning_rate(config, 35, 110),
              2e-3 * (0.1 + 0.9 * 0.5 * (1 + std::cos(std::numbers::pi / 4))), 1e-15);
  EXPECT_NEAR(learning_rate(config, 110, 110), 2e-4, 1e-15);
}

TEST(Schedule, LinearFallsByEqualStepsToTheFinalRatio) {
  const auto config = schedule("linear");
  EXPECT_NEAR(learning_rate(config, 35, 110), 2e-3 * 0.775, 1e-15);
  EXPECT_NEAR(learning_rate(config, 60, 110), 2e-3 * 0.55, 1e-15);
  EXPECT_NEAR(learning_rate(config, 110, 110), 2e-4, 1e-15);
  EXPECT_EQ(learning_rate(schedule("linear", 10, 0), 110, 110), 0);
}

TEST(Schedule, ConstantStays) {
  EXPECT_EQ(learning_rate(schedule("constant"), 11, 110), 2e-3);
  EXPECT_EQ(learning_rate(schedule("constant"), 110, 110), 2e-3);
}

TEST(Schedule, InverseSquareRootHalvesAtFourTimesTheWarmUp) {
  EXPECT_DOUBLE_EQ(learning_rate(schedule("inverse_sqrt"), 40, 1000), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(schedule("inverse_sqrt"), 1000, 1000), 2e-4);
  EXPECT_DOUBLE_EQ(learning_rate(schedule("inverse_sqrt", 0), 4, 1000), 1e-3);
}

TEST(Schedule, WithoutWarmUpTheFirstStepHasNearlyTheWholeRate) {
  EXPECT_NEAR(learning_rate(schedule("linear", 0, 0), 1, 100), 2e-3 * 0.99, 1e-15);
  EXPECT_EQ(learning_rate(schedule("constant", 0), 1, 1), 2e-3);
}

TEST(Schedule, AWarmUpLongerThanTheRunNeverPeaks) {
  EXPECT_DOUBLE_EQ(learning_rate(schedule("cosine", 100), 50, 50), 1e-3);
}

// A run that is lengthened later must not divide by nothing at its old end.
TEST(Schedule, AWarmUpAsLongAsTheRunEndsAtTheFinalRatio) {
  EXPECT_NEAR(learning_rate(schedule("cosine", 50), 50, 50), 2e-4, 1e-15);
}

TEST(ShareDone, OfARunWithoutStepsIsAll) {
  EXPECT_EQ(share_done(0, 0), 1);
  EXPECT_EQ(share_done(0, 4), 0);
  EXPECT_EQ(share_done(3, 4), 0.75);
  EXPECT_EQ(share_done(9, 4), 1);
}

}  // namespace
}  // namespace moe
