// The curves of moe-compare --html: means and bands over seeds.
#include "train/report/compare_report.h"

#include <gmock/gmock.h>

#include <cmath>

namespace moe {
namespace {

using testing::ElementsAre;

// A run of 100 steps.
RunRecord run_of(int64_t seed, const std::vector<Json>& rows) {
  RunRecord run;
  run.config.run.seed = seed;
  run.config.train.steps = 100;
  run.rows = rows;
  return run;
}

// Validated every 20 steps up to `last`, with a loss that falls in a straight line of steps.
RunRecord steady_run(int64_t seed, int last, double seconds_per_step) {
  std::vector<Json> rows;
  for (int step = 20; step <= last; step += 20) {
    rows.push_back({{"step", step},
                    {"split", "valid"},
                    {"seconds", step * seconds_per_step},
                    {"loss", 10 - step / 20.0}});
  }
  return run_of(seed, rows);
}

std::vector<double> places(const std::vector<ChartPoint>& points) {
  std::vector<double> all;
  for (const auto& point : points) all.push_back(point.x);
  return all;
}

TEST(CompareReport, BandsAreOfSeedsAndDivergedRunsAreGaps) {
  Variant variant;
  for (const int64_t seed : {0, 2}) {
    std::vector<Json> rows;
    for (int step = 1; step <= 3; ++step) {
      const bool diverged = step == 3 && seed > 0;
      rows.push_back({{"step", step},
                      {"split", "valid"},
                      {"tokens", step * 10},
                      {"loss", diverged ? Json() : Json(step + seed)}});
    }
    variant.runs.push_back(run_of(seed, rows));
  }
  const auto points = over_seeds(variant, "loss", "tokens");
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[1].x, 20);
  EXPECT_EQ(points[1].y, 3);
  EXPECT_EQ(points[1].low, 2);
  EXPECT_EQ(points[1].high, 4);
  EXPECT_TRUE(std::isnan(points[2].y));
}

// One is three times as fast as the other, which stopped half-way: at equal seconds the mean loss is a
// straight line. Means of equal steps would zigzag.
TEST(CompareReport, MeansAreOfEqualPlacesOnTheAxis) {
  const Variant variant{"v", "v", {steady_run(1, 80, 0.5), steady_run(2, 60, 1.5)}};
  const auto points = over_seeds(variant, "loss", "seconds");
  EXPECT_THAT(places(points), ElementsAre(30, 40));  // from the slow one's first to the fast one's last
  for (const auto& p : points) {
    EXPECT_NEAR(p.y, 10 - p.x / 15, 1e-12);  // 10 - x / 10 and 10 - x / 30
    EXPECT_NEAR(p.low, 10 - p.x / 10, 1e-12);
    EXPECT_NEAR(p.high, 10 - p.x / 30, 1e-12);
  }
}

TEST(CompareReport, FinishedRunsAreDrawnAloneAndThoseOfOneSeedCountOnce) {
  auto again = steady_run(1, 100, 1), other = steady_run(2, 100, 1);
  for (auto& row : again.rows) row["loss"] = 2;
  for (auto& row : other.rows) row["loss"] = 9;
  const Variant variant{
      "v", "v", {steady_run(1, 100, 1), again, other, steady_run(3, 40, 1)}};
  const auto points = over_seeds(variant, "loss", "step");
  EXPECT_THAT(places(points), ElementsAre(20, 40, 60, 80, 100));
  EXPECT_EQ(points.back().low, 3.5);  // (5 + 2) / 2
  EXPECT_EQ(points.back().y, 6.25);
  EXPECT_EQ(points.back().high, 9);
}

// Losses 10 - x / 10 and 10 - x / 20 of seed 1: the other seeds have no partner, and beyond 40 seconds the
// fast one has ended.
TEST(CompareReport, DifferencesAreOfEqualSeedsAtEqualPlaces) {
  const Variant fast{"fast", "fast", {steady_run(1, 80, 0.5), steady_run(2, 80, 0.1)}};
  const Variant slow{"slow", "slow", {steady_run(1, 80, 1), steady_run(3, 80, 0.5)}};
  const auto points = differences_over_seeds({"", "", {fast.runs[0]}}, slow, "loss", "seconds");
  EXPECT_THAT(places(points), ElementsAre(20, 30, 40));
  for (const auto& p : points) EXPECT_NEAR(p.y, -p.x / 20, 1e-12);
  const auto none = differences_over_seeds({"", "", {fast.runs[1]}}, slow, "loss", "seconds");
  EXPECT_TRUE(none.empty());
}

TEST(CompareReport, RowsWithoutAPlaceOnTheAxisAreLeftOut) {
  auto run = steady_run(1, 100, 1);
  run.rows[0].erase("seconds");
  run.rows[2]["seconds"] = nullptr;
  run.rows[4]["seconds"] = std::nan("");
  EXPECT_THAT(places(over_seeds({"v", "v", {run}}, "loss", "seconds")), ElementsAre(40, 80));
}

// One validation each, at seconds of its own.
TEST(CompareReport, LinesThatShareNoPlaceMeetAtTheirEnds) {
  auto slow = steady_run(1, 20, 3), fast = steady_run(2, 20, 1);
  fast.rows[0]["loss"] = 7;
  const auto points = over_seeds({"v", "v", {slow, fast}}, "loss", "seconds");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].x, 40);
  EXPECT_EQ(points[0].y, 8);
  EXPECT_EQ(points[0].low, 7);
  EXPECT_EQ(points[0].high, 9);
}

// Rows of two seeds that go up and down by 1 at once, 2 apart.
TEST(CompareReport, ABandShowsHowSeedsDifferAndNotHowRowsDo) {
  Variant variant;
  for (const int64_t seed : {0, 2}) {
    std::vector<Json> rows;
    for (int step = 1; step <= 1000; ++step) {
      rows.push_back({{"step", step}, {"split", "train"}, {"loss", step % 2 + seed}});
    }
    variant.runs.push_back(run_of(seed, rows));
  }
  const auto points = over_seeds(variant, "train.loss", "step");
  EXPECT_EQ(points.size(), kMostChartPoints);
  for (const auto& p : points) {
    EXPECT_NEAR(p.low, 0.5, 0.25) << p.x;
    EXPECT_NEAR(p.high, 2.5, 0.25) << p.x;
  }
}

}  // namespace
}  // namespace moe
