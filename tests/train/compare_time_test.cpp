// moe-compare --over-time.
#include "train/compare/over_time.h"

#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/train/compare_runs.h"

namespace moe {
namespace {

using CompareOverTime = Compare;

TEST_F(CompareOverTime, OverTimeTakesFirstAndLastAndStopsWhereARunDid) {
  write_run(
      "t-a-s1", 1,
      valid_row(10, "5.0") + valid_row(20, "4.0") + valid_row(60, "3.0") + valid_row(100, "2.0"));
  write_run("t-a-s2", 2, valid_row(10, "7.0") + valid_row(20, "6.0"));
  const auto time = report("bits_per_byte", "", 3)["over_time"];
  EXPECT_EQ(time["steps"], Json({10, 60, 100}));  // places 0, 1.5 (rounded up) and 3 of four
  EXPECT_EQ(time["variants"][0]["mean"], Json({6.0, 3.0, 2.0}));
  EXPECT_EQ(time["variants"][0]["n"], Json({2, 1, 1}));
  EXPECT_EQ(time["variants"][0]["runs"][1]["values"], Json({7.0, nullptr, nullptr}));
  EXPECT_EQ(report("bits_per_byte", "", 1)["over_time"]["steps"], Json({100}));
  EXPECT_EQ(report("bits_per_byte", "", 50)["over_time"]["steps"], Json({10, 20, 60, 100}));
}

// A valid row's counters grow with its step, 64 tokens each.
TEST_F(CompareOverTime, OverTimeByACounterInterpolatesAndNeverExtrapolates) {
  write_run("t-a-s1", 1, valid_row(20, "4.0") + valid_row(60, "3.0") + valid_row(100, "2.0"));
  write_run("t-b-s1", 1, valid_row(20, "8.0") + valid_row(60, "6.0"), "{experts: 4}");
  const auto time =
      compare_runs({{files_.file("runs")}, "", "bits_per_byte", 4, "tokens"})["over_time"];
  EXPECT_EQ(time["at"], Json({1600.0, 3200.0, 4800.0, 6400.0}));
  EXPECT_EQ(time["variants"][0]["mean"], Json({3.875, 3.25, 2.625, 2.0}));
  EXPECT_EQ(time["variants"][1]["mean"], Json({7.75, 6.5, nullptr, nullptr}));
  EXPECT_THROW(compare_runs({{files_.file("runs")}, "", "bits_per_byte", 4, "steps"}), ConfigError);
}

}  // namespace
}  // namespace moe
