// moe-compare --over-time.
#include "train/compare/over_time.h"

#include <gtest/gtest.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/train/compare_runs.h"

namespace moe {
namespace {

using CompareOverTime = Compare;

constexpr const char* kBits = "bits_per_byte";

TEST_F(CompareOverTime, TakesFirstAndLastAndStopsWhereARunDid) {
  write_run(
      "t-a-s1", 1,
      valid_row(10, "5.0") + valid_row(20, "4.0") + valid_row(60, "3.0") + valid_row(100, "2.0"));
  write_run("t-a-s2", 2, valid_row(10, "7.0") + valid_row(20, "6.0"));
  const auto time = report(kBits, "", 3)["over_time"];
  EXPECT_EQ(time["steps"], Json({10, 60, 100}));  // places 0, 1.5 (rounded up) and 3 of four
  EXPECT_EQ(time["variants"][0]["mean"], Json({5.0, 3.0, 2.0}));  // of the finished run alone
  EXPECT_EQ(time["variants"][0]["n"], Json({1, 1, 1}));
  EXPECT_EQ(time["variants"][0]["runs"][1]["values"], Json({7.0, nullptr, nullptr}));
  EXPECT_EQ(report("bits_per_byte", "", 1)["over_time"]["steps"], Json({100}));
  EXPECT_EQ(report("bits_per_byte", "", 50)["over_time"]["steps"], Json({10, 20, 60, 100}));
}

// A valid row's counters grow with its step, 64 tokens each.
TEST_F(CompareOverTime, ByACounterInterpolatesAndNeverExtrapolates) {
  write_run("t-a-s1", 1, valid_row(20, "4.0") + valid_row(60, "3.0") + valid_row(100, "2.0"));
  write_run("t-b-s1", 1, valid_row(20, "8.0") + valid_row(60, "6.0"), "{experts: 4}");
  const auto time =
      compare_runs({{files_.file("runs")}, "", "bits_per_byte", 4, "tokens"})["over_time"];
  EXPECT_EQ(time["at"], Json({1600.0, 3200.0, 4800.0, 6400.0}));
  EXPECT_EQ(time["variants"][0]["mean"], Json({3.875, 3.25, 2.625, 2.0}));
  EXPECT_EQ(time["variants"][1]["mean"], Json({7.75, 6.5, nullptr, nullptr}));
  EXPECT_THROW(compare_runs({{files_.file("runs")}, "", "bits_per_byte", 4, "steps"}), ConfigError);
}

// A mean over fewer runs than before would show a fall that no run has.
TEST_F(CompareOverTime, AMeanIsOfAllSeedsOrOfNone) {
  write_run("t-a-s1", 1, valid_row(20, "4.0") + valid_row(60, "3.0"));
  write_run("t-a-s2", 2, valid_row(40, "9.0") + valid_row(60, "8.0") + valid_row(80, "7.0"));
  write_run("t-b-s1", 1, valid_row(20, "6.0") + valid_row(80, "6.0"), "{experts: 4}");
  const auto time = report(kBits, "", 9)["over_time"];
  EXPECT_EQ(time["steps"], Json({20, 40, 60, 80}));
  EXPECT_EQ(time["variants"][0]["mean"], Json({nullptr, 6.5, 5.5, nullptr}));
  EXPECT_EQ(time["variants"][0]["n"], Json({0, 2, 2, 0}));
  // By a counter it ends with the last place that all runs of a variant get to: a's is step 60.
  std::filesystem::remove_all(files_.file("runs/t-b-s1"));
  const auto tokens = compare_runs({{files_.file("runs")}, "", kBits, 2, "tokens"})["over_time"];
  EXPECT_EQ(tokens["at"], Json({1920.0, 3840.0}));
  EXPECT_EQ(tokens["variants"][0]["mean"], Json({nullptr, 5.5}));
}

TEST_F(CompareOverTime, RunsOfOneSeedCountOnce) {
  write_run("t-a-s1", 1, valid_row(100, "1.0"));
  write_run("u-a-s1", 1, valid_row(100, "3.0"));
  write_run("t-a-s2", 2, valid_row(100, "6.0"));
  const auto variant = report(kBits, "", 1)["over_time"]["variants"][0];
  EXPECT_EQ(variant["mean"], Json({4.0}));
  EXPECT_EQ(variant["n"], Json({2}));
}

TEST_F(CompareOverTime, APointBeforeOneThatIsNotFiniteHasItsOwnValue) {
  write_run("t-a-s1", 1, valid_row(50, "3.0") + valid_row(100, "null"));
  const auto time = compare_runs({{files_.file("runs")}, "", kBits, 4, "tokens"})["over_time"];
  EXPECT_EQ(time["at"][1], 3200.0);  // where the first point is
  const auto values = time["variants"][0]["mean"];
  EXPECT_EQ(values[1], 3.0);
  EXPECT_TRUE(std::isnan(values[2].get<double>()));
}

}  // namespace
}  // namespace moe
