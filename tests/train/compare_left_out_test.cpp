// What moe-compare leaves out of its means and tests: what is not at its end, and what nobody asked for.
#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/train/compare_runs.h"
#include "train/compare/text.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

using CompareLeftOut = Compare;

TEST_F(CompareLeftOut, UnfinishedRuns) {
  write_pairs();
  write_run("test-top_k-s3", 3, train_row(10, 9) + valid_row(10, "99.0"),
            "{experts: 4, gate: {kind: top_k, k: 2}}");
  const auto all = report();
  const auto& top_k = all["variants"][1];
  EXPECT_EQ(top_k["seeds"], Json({1, 2}));
  EXPECT_EQ(top_k["value"]["mean"], 16.5);
  EXPECT_EQ(top_k["value"]["n"], 2);
  EXPECT_EQ(top_k["value"]["unfinished"], 1);
  EXPECT_EQ(top_k["difference"]["pairs"], 2);
  EXPECT_EQ(top_k["difference"]["mean"], 1.5);
  EXPECT_EQ(top_k["cost"]["tokens"], 6400.0);
  EXPECT_EQ(top_k["moe"]["slots_per_token"], 3.0);
  EXPECT_EQ(top_k["runs"][2]["value"], 99.0);
  EXPECT_THAT(compare_text(all, false), HasSubstr("\ntop_k    2 + 1 unfinished   16.5000"));
  EXPECT_THAT(warnings(), HasSubstr("test-top_k-s3: unfinished: step 10 of 100: left out"));
  EXPECT_THAT(warnings(), Not(HasSubstr("tokens differ")));
}

TEST_F(CompareLeftOut, AVariantWithoutAFinishedRunHasNoValueButACost) {
  write_pairs();
  for (int64_t seed = 1; seed <= 3; ++seed) {
    write_run("test-dense-s" + std::to_string(seed), seed, valid_row(50, "1.0"));
  }
  const auto all = report();
  const auto& dense = all["variants"][0];
  EXPECT_TRUE(dense["value"]["mean"].is_null());
  EXPECT_EQ(dense["value"]["unfinished"], 3);
  EXPECT_EQ(dense["cost"]["step"], 50.0);
  EXPECT_TRUE(all["variants"][1]["difference"]["mean"].is_null());
  EXPECT_TRUE(all["variants"][1]["difference"]["p"].is_null());
  EXPECT_THAT(compare_text(all, false), HasSubstr("\ndense    0 + 3 unfinished"));
}

// Rows of log.diagnostics: false, and without log.peak_tflops.
TEST_F(CompareLeftOut, WhatNobodyAskedForIsMissingAndNotDiverged) {
  write_run("t-a-s1", 1, train_row(100, 3), "{experts: 4}");
  write_run("t-b-s1", 1, train_row(100, 3), "{experts: 5}");
  const auto write_figures = [&](const std::string& run, const std::string& mfu,
                                 const std::string& entropy) {
    const auto rows = "runs/" + run + "/metrics.jsonl";
    change(rows, "\"loss\":2.5", "\"loss\":2.5,\"mfu\":" + mfu);
    for (int layer = 0; layer < 2; ++layer) {
      change(rows, "\"max_vio\":0.5", "\"max_vio\":0.25,\"slots_histogram\":[],\"entropy\":" + entropy);
    }
  };
  write_figures("t-a-s1", "null", "null");
  for (const std::string metric : {"train.mfu", "moe.entropy"}) {
    const auto message = message_of<ConfigError>([&] { report(metric); });
    EXPECT_THAT(message, HasSubstr("found '" + metric + "'"));
    EXPECT_THAT(message, Not(HasSubstr(metric + ","))) << "it is not among those there are";
  }
  write_figures("t-b-s1", "0.5", "1.5");
  for (const std::string metric : {"train.mfu", "moe.entropy"}) {
    EXPECT_THAT(warnings(metric), HasSubstr("t-a-s1: has no " + metric + ": left out"));
    EXPECT_THAT(warnings(metric), Not(HasSubstr("not finite")));
  }
}

TEST_F(CompareLeftOut, ABadStepThatTheRunWentOnFrom) {
  std::string rows;
  for (int64_t step = 81; step <= 100; ++step) rows += train_row(step, 3);
  write_run("a-s1", 1, rows);
  write_run("b-s1", 1, rows, "none", "optimizer: {clip: 2}\n");
  const auto row = [](int64_t step) {
    return "\"step\":" + std::to_string(step) + ",\"split\":\"train\",\"loss\":";
  };
  change("runs/a-s1/metrics.jsonl", row(99) + "2.5", row(99) + "null");
  change("runs/b-s1/metrics.jsonl", row(100) + "2.5", row(100) + "null");
  const auto all = report("train.loss");
  EXPECT_EQ(all["variants"][0]["value"]["mean"], 2.5);
  EXPECT_TRUE(std::isnan(all["variants"][1]["value"]["mean"].get<double>()));
  EXPECT_THAT(warnings("train.loss"), HasSubstr("b-s1: train.loss is not finite at the end"));
  EXPECT_THAT(warnings("train.loss"), Not(HasSubstr("a-s1: ")));
}

}  // namespace
}  // namespace moe
