// What the progress line says.
#include "train/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe {
namespace {

std::map<int64_t, LoadMetrics> loads(const std::vector<std::vector<double>>& tokens) {
  std::map<int64_t, LoadMetrics> all;
  for (size_t layer = 0; layer < tokens.size(); ++layer) {
    auto& load = all[static_cast<int64_t>(layer)];
    load.tokens_per_expert = tokens[layer];
    load.slots_per_token = 1.5 + static_cast<double>(layer);
  }
  return all;
}

TEST(DurationText, HasTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(-3), "0s");
  EXPECT_EQ(duration_text(44.6), "45s");
  EXPECT_EQ(duration_text(59.6), "1m00s");
  EXPECT_EQ(duration_text(125), "2m05s");
  EXPECT_EQ(duration_text(3599.4), "59m59s");
  EXPECT_EQ(duration_text(3600), "1h00m");
  EXPECT_EQ(duration_text(3 * 3600 + 7 * 60 + 59), "3h07m");
}

TEST(LoadText, DrawsEachExpertFromIdleToTwiceTheFairShare) {
  EXPECT_EQ(load_text(loads({{10, 10, 10, 10}})), "load |▄▄▄▄| 1.50 slots");
  EXPECT_EQ(load_text(loads({{0, 20, 15, 5}})), "load | █▆▂| 1.50 slots");
}

TEST(LoadText, AnExpertThatHasAnythingShows) {
  EXPECT_EQ(load_text(loads({{1, 999}})), "load |▁█| 1.50 slots");
}

TEST(LoadText, StopsAtTheFullBar) { EXPECT_EQ(load_text(loads({{0, 0, 9}})), "load |  █| 1.50 slots"); }

TEST(LoadText, IsTheMeanOverLayersWhateverTheirTotals) {
  EXPECT_EQ(load_text(loads({{10, 0}, {0, 1000}})), "load |▄▄| 2.00 slots");
}

TEST(LoadText, OfALayerWithoutATokenIsBlank) {
  EXPECT_EQ(load_text(loads({{0, 0}})), "load |  | 1.50 slots");
}

TEST(LoadText, ShowsTheFirst32Experts) {
  const auto text = load_text(loads({std::vector<double>(64, 1)}));
  EXPECT_EQ(text.size(), std::string("load || 1.50 slots").size() + 32 * std::string("▄").size());
}

TEST(ProgressText, SaysWhereTheRunIs) {
  ProgressView view;
  view.step = 120;
  view.steps = 900;
  view.loss = 2.0794415416798357;
  view.tokens_per_second = 23456;
  view.tflops = 0.0526;
  view.seconds_left = 125;
  EXPECT_EQ(progress_text(view),
            "step 120/900  loss 2.079 (3.00 bits)  23.5k tokens/s  2m05s left  52.6 GFLOP/s");
  view.peak_memory = 288 * 0x1p20;
  EXPECT_THAT(progress_text(view), testing::EndsWith("GFLOP/s  288 MiB"));
  view.peak_memory = 3.25 * 0x1p30;
  EXPECT_THAT(progress_text(view), testing::EndsWith("GFLOP/s  3.2 GiB"));
  view.peak_memory = 0;
  const auto load = loads({{3, 3}});
  view.loads = &load;
  EXPECT_EQ(progress_text(view),
            "step 120/900  loss 2.079 (3.00 bits)  23.5k tokens/s  load |▄▄| 1.50 slots  2m05s left  "
            "52.6 GFLOP/s");
  view.tflops = 412.4;
  EXPECT_THAT(progress_text(view), ::testing::EndsWith("2m05s left  412 TFLOP/s"));
  view.mfu = 0.417;
  EXPECT_THAT(progress_text(view), ::testing::EndsWith("2m05s left  MFU 41.7%"));
}

}  // namespace
}  // namespace moe
