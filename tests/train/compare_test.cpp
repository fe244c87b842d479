// moe-compare over run folders written by hand, so that every figure is known.
#include "train/compare/compare.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "configs/errors.h"
#include "tests/support/process.h"
#include "tests/train/compare_runs.h"
#include "train/compare/text.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(Compare, GroupsRunsBySeedAndTestsThePairs) {
  write_pairs();
  const auto all = report();
  ASSERT_EQ(all["variants"].size(), 2u);
  const auto &dense = all["variants"][0], &top_k = all["variants"][1];
  EXPECT_EQ(all["baseline"], "dense");
  EXPECT_EQ(dense["name"], "dense");
  EXPECT_EQ(dense["full_name"], "test-dense");
  EXPECT_EQ(top_k["name"], "top_k");
  EXPECT_EQ(dense["seeds"], Json({1, 2, 3}));
  EXPECT_EQ(dense["value"]["mean"], 20.0);
  EXPECT_EQ(dense["value"]["sd"], 10.0);
  EXPECT_TRUE(dense["difference"].is_null());
  EXPECT_EQ(top_k["difference"]["mean"], 2.0);
  EXPECT_EQ(top_k["difference"]["pairs"], 3);
  EXPECT_NEAR(top_k["difference"]["p"], 1 - std::sqrt(12.0 / 14.0), 1e-12);  // statistics_test.cpp
  EXPECT_EQ(top_k["runs"].size(), 3u);
  EXPECT_EQ(top_k["runs"][2]["value"], 33.0);
  EXPECT_EQ(top_k["runs"][2]["seed"], 3);
  EXPECT_EQ(top_k["runs"][2]["finished"], true);
  EXPECT_THAT(all["warnings"], IsEmpty());
}

// Three variants against the first: the smallest p counts thrice.
TEST_F(Compare, PIsCorrectedForAllVariants) {
  const double bits[4][3] = {{10, 20, 30}, {11, 22, 33}, {11, 21.1, 31.2}, {9, 25, 31}};
  for (size_t variant = 0; variant < 4; ++variant) {
    for (int64_t seed = 1; seed <= 3; ++seed) {
      const auto clip = std::to_string(variant + 1);
      write_run("t-clip" + clip + "-s" + std::to_string(seed), seed,
                valid_row(100, std::to_string(bits[variant][seed - 1])), "none",
                "optimizer: {clip: " + clip + "}\n");
    }
  }
  const auto all = report();
  const auto figure = [&](size_t variant, const char* key) {
    return all["variants"][variant]["difference"][key].get<double>();
  };
  ASSERT_LT(figure(2, "p"), figure(1, "p"));
  ASSERT_LT(figure(1, "p"), figure(3, "p"));
  EXPECT_DOUBLE_EQ(figure(2, "p_holm"), 3 * figure(2, "p"));
  EXPECT_DOUBLE_EQ(figure(1, "p_holm"), 2 * figure(1, "p"));
  EXPECT_DOUBLE_EQ(figure(3, "p_holm"), figure(3, "p"));
}

TEST_F(Compare, CostIsThatOfTheFinalValue) {
  write_pairs();
  const auto cost = report()["variants"][0]["cost"];
  EXPECT_EQ(cost["step"], 100.0);
  EXPECT_EQ(cost["tokens"], 6400.0);
  EXPECT_EQ(cost["flops"], 100000.0);
  EXPECT_EQ(cost["flops_executed"], 200000.0);
  EXPECT_EQ(cost["seconds"], 100.0);
  EXPECT_EQ(cost["steps_per_second"], 1.0);
}

TEST_F(Compare, RoutingAndSizes) {
  write_pairs();
  const auto all = report();
  EXPECT_TRUE(all["variants"][0]["moe"].is_null());
  const auto& top_k = all["variants"][1];
  EXPECT_EQ(top_k["moe"]["experts"], 4);
  EXPECT_EQ(top_k["moe"]["k"], 2);
  EXPECT_EQ(top_k["moe"]["slots_per_token"], 3.0);  // mean over layers, of the last row alone
  EXPECT_EQ(top_k["moe"]["coincident_selectors"], 0.25);
  EXPECT_TRUE(top_k["moe"]["dropped"].is_null());  // no row has it
  // Two of four experts of width 16 idle in each of two layers: 2 * 2 * 3 * 16 * 16 parameters.
  EXPECT_EQ(
      top_k["parameters"]["total"].get<int64_t>() - top_k["parameters"]["active"].get<int64_t>(),
      3072);
  EXPECT_EQ(all["variants"][0]["parameters"]["total"], all["variants"][0]["parameters"]["active"]);
  // The gate's own 16 x 4 multiply-adds in two layers, three times forward.
  EXPECT_EQ(
      top_k["flops_per_token"].get<double>() - all["variants"][0]["flops_per_token"].get<double>(),
      3 * 2 * 2 * 16 * 4);
}

TEST_F(Compare, BaselineByNameByRunAndByFolder) {
  write_pairs();
  for (const auto& word : {std::string("top_k"), std::string("test-top_k"),
                           std::string("test-top_k-s2"), files_.file("runs/test-top_k-s1/")}) {
    const auto all = report("bits_per_byte", word);
    EXPECT_EQ(all["baseline"], "top_k") << word;
    EXPECT_EQ(all["variants"][0]["difference"]["mean"], -2.0) << word;
  }
  EXPECT_THAT(message_of<ConfigError>([&] { report("bits_per_byte", "topk"); }),
              HasSubstr("--baseline: expected a variant (dense or top_k), or the name or folder of "
                        "a run, found 'topk' (did you mean 'top_k'?)"));
}

TEST_F(Compare, BaselineFolderThatWasNotNamedIsReadToo) {
  write_pairs();
  const auto all = compare_runs(
      {{files_.file("runs/test-top_k-s2")}, files_.file("runs/test-dense-s2"), "bits_per_byte", 0});
  EXPECT_EQ(all["baseline"], "dense");
  EXPECT_EQ(all["variants"][0]["difference"]["mean"], 2.0);
  EXPECT_TRUE(all["variants"][0]["difference"]["p"].is_null());  // one pair
}

TEST_F(Compare, OnlyCommonSeedsArePaired) {
  write_pairs();
  std::filesystem::remove_all(files_.file("runs/test-dense-s1"));
  const auto all = report();
  EXPECT_EQ(all["variants"][1]["difference"]["pairs"], 2);
  EXPECT_EQ(all["variants"][1]["difference"]["mean"], 2.5);
  EXPECT_THAT(warnings(), HasSubstr("seeds differ: dense (2, 3), top_k (1, 2, 3)"));
}

TEST_F(Compare, MetricsOfTrainingAndOfLayers) {
  write_pairs();
  EXPECT_EQ(report("train.loss")["variants"][1]["value"]["mean"], 2.5);
  EXPECT_EQ(report("objectives.causal")["variants"][1]["value"]["mean"], 1.5);
  EXPECT_EQ(report("moe.gate.coincident_selectors")["variants"][1]["value"]["mean"], 0.25);
  EXPECT_EQ(report("moe.coincident_selectors")["variants"][1]["value"]["mean"], 0.25);
  const auto slots = report("moe.slots_per_token");
  EXPECT_EQ(slots["variants"][1]["value"]["mean"], 3.0);
  EXPECT_TRUE(slots["variants"][0]["value"]["mean"].is_null());
  EXPECT_TRUE(slots["variants"][1]["difference"]["mean"].is_null());
}

// Two levels, as those of the gate `hierarchical`, each with figures of its own.
TEST_F(Compare, FiguresOfTheLevelsOfAGate) {
  write_run("a-s1", 1, train_row(100, 3), "{experts: 4}");
  for (int layer = 0; layer < 2; ++layer) {
    change("runs/a-s1/metrics.jsonl", "\"coincident_selectors\":0.25",
           "\"outer.coincident_selectors\":0.25,\"inner.coincident_selectors\":0.75,\"inner.x\":2");
  }
  const auto value = [&](const std::string& metric) {
    return report(metric)["variants"][0]["value"]["mean"];
  };
  EXPECT_EQ(value("moe.coincident_selectors"), 0.5);
  EXPECT_EQ(value("moe.gate.coincident_selectors"), 0.5);
  EXPECT_EQ(value("moe.gate.inner.coincident_selectors"), 0.75);
  EXPECT_EQ(value("moe.x"), 2);
  EXPECT_EQ(report("train.loss")["variants"][0]["moe"]["coincident_selectors"], 0.5);
}

TEST_F(Compare, TrainingMetricsAreTheMeanOverTheLastTenth) {
  std::string rows;
  for (int64_t step = 81; step <= 100; ++step) rows += train_row(step, static_cast<double>(step));
  write_run("a-s1", 1, rows, "{experts: 4}");
  EXPECT_EQ(report("moe.slots_per_token")["variants"][0]["value"]["mean"], 99.5);
}

TEST_F(Compare, UnknownMetricNamesThoseThereAre) {
  write_pairs();
  const auto message = message_of<ConfigError>([&] { report("bits_per_bite"); });
  EXPECT_THAT(message, HasSubstr("--metric: expected one that the runs have, found 'bits_per_bite' "
                                 "(did you mean 'bits_per_byte'?). There are: bits_per_byte, "));
  EXPECT_THAT(message, HasSubstr("moe.gate.coincident_selectors, moe.max_vio"));
  EXPECT_THAT(message, Not(HasSubstr("tokens_per_expert")));
}

TEST_F(Compare, WarnsOfWhatIsNotComparable) {
  write_run("w-a-s1", 1, valid_row(100, "2.0"));
  write_run("w-b-s1", 1, valid_row(40, "2.0"), "{experts: 4, allow_future_leak: true, gate: {kind: sinkhorn}}");
  write_run("w-c-s1", 1, valid_row(100, "null"), "none", "optimizer: {clip: 2}\n");
  write_run("w-d-s1", 1, "", "none", "optimizer: {clip: 3}\n");
  write_run("w-e-s1", 1, valid_row(100, "2.0"), "{experts: 5}");
  const auto text = warnings();
  EXPECT_THAT(text, HasSubstr("w-b-s1: unfinished: step 40 of 100: left out of means and tests"));
  EXPECT_THAT(text, HasSubstr("b: gate sinkhorn looks at later tokens (model.moe.allow_future_leak)"));
  EXPECT_THAT(text, HasSubstr("w-c-s1: bits_per_byte is not finite at the end"));
  EXPECT_THAT(text, HasSubstr("w-d-s1: has no bits_per_byte: left out"));
  EXPECT_THAT(text, HasSubstr("tokens differ: a (6400), b (2560), c (6400), d (none), e (6400)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6);  // and seeds, of which b and d have none
}

TEST_F(Compare, WarnsOfOtherStepsAndData) {
  write_run("w-a-s1", 1, valid_row(100, "2.0"));
  write_run("w-b-s1", 1, valid_row(100, "2.0"));
  change("runs/w-b-s1/config.yaml", "steps: 100", "steps: 90");
  change("runs/w-b-s1/config.yaml", "text.txt", "more.txt");
  EXPECT_THAT(warnings(), HasSubstr("steps differ: a (100), b (90)"));
  EXPECT_THAT(warnings(), HasSubstr("b: measured on other data than a: data.train ("));
}

TEST_F(Compare, RunsOfOneSeedCountOnce) {
  write_run("a-s1", 1, valid_row(100, "2.0"));
  write_run("again-s1", 1, valid_row(100, "4.0"));
  const auto value = report()["variants"][0]["value"];
  EXPECT_EQ(value["mean"], 3.0);
  EXPECT_EQ(value["n"], 1);
  EXPECT_THAT(warnings(), HasSubstr("a: seed 1 has 2 runs; they count as one, by their mean"));
}

// As a run that was resumed with them.
TEST_F(Compare, ALargerBudgetOfBadStepsMakesNoOtherVariantButOtherStepsDo) {
  write_run("a-s1", 1, valid_row(100, "2.0"));
  write_run("a-s2", 2, valid_row(100, "4.0"));
  change("runs/a-s2/config.yaml", "batch_tokens: 64", "batch_tokens: 64, bad_steps: 20");
  EXPECT_EQ(report()["variants"].size(), 1u);
  EXPECT_EQ(report()["variants"][0]["value"]["n"], 2);
  change("runs/a-s2/config.yaml", "bad_steps: 20", "bad_steps: 20, spike: 9");
  EXPECT_EQ(report()["variants"].size(), 2u);
  EXPECT_EQ(report()["variants"].size(), 2u);
}

TEST_F(Compare, RunsOfOneNameButOtherConfigsAreKeptApart) {
  write_run("a-s1", 1, valid_row(100, "2.0"));
  write_run("a-s2", 2, valid_row(100, "4.0"), "none", "optimizer: {clip: 2}\n");
  EXPECT_EQ(report()["variants"].size(), 2u);
  EXPECT_EQ(report()["variants"][1]["name"], files_.file("runs/a-s2"));
  EXPECT_THAT(warnings(), HasSubstr("differ in optimizer.clip (1, 2)"));
}

TEST_F(Compare, ARunNamedTwiceIsReadOnce) {
  write_run("a-s1", 1, valid_row(100, "2.0"));
  const auto all =
      compare_runs({{files_.file("runs"), files_.file("runs/a-s1/")}, "", "bits_per_byte", 0});
  EXPECT_EQ(all["variants"][0]["runs"].size(), 1u);
}

TEST_F(Compare, WhatIsMissingOrUnreadableIsNamed) {
  EXPECT_THAT(message_of<RunError>([&] { report(); }), HasSubstr("runs': expected a run's folder"));
  write_run("a-s1", 1, "");
  EXPECT_THAT(message_of<RunError>([&] { report(); }), HasSubstr("expected rows in metrics.jsonl"));
  files_.write_file("runs/a-s1/metrics.jsonl", "{\"step\":1}\n");
  EXPECT_THAT(message_of<RunError>([&] { report(); }), HasSubstr("metrics.jsonl':1: expected an"));
  files_.write_file("runs/a-s1/config.yaml", "run: {sed: 1}\n");
  EXPECT_THAT(message_of<RunError>([&] { report(); }), HasSubstr("unknown key"));
}

TEST_F(Compare, TextHoldsTheTables) {
  write_pairs();
  const auto text = compare_text(report(), false);
  EXPECT_THAT(text, HasSubstr("variant  seeds      bits_per_byte  difference       95 % interval  pairs       p  p Holm\n"
                              "dense        3  20.0000 ± 10.0000    baseline\n"
                              "top_k        3  22.0000 ± 11.0000     +2.0000  -0.4841 to +4.4841      3  0.0742  0.0742\n"));
  const auto markdown = compare_text(report(), true);
  EXPECT_THAT(markdown, HasSubstr("| top_k | 3 | 22.0000 ± 11.0000 | +2.0000 | -0.4841 to +4.4841 | 3 | 0.0742 | 0.0742 |\n"));
  EXPECT_THAT(markdown, HasSubstr("|---|---:|"));
}

// Names are whatever a config says.
TEST_F(Compare, NamesAreShownOnOneLineAndWithoutControlCharacters) {
  write_pairs();
  auto over_time = report("bits_per_byte", "", 2);
  for (auto* variants : {&over_time["variants"], &over_time["over_time"]["variants"]}) {
    (*variants)[1]["name"] = "a\x1b[2J\nb";
  }
  over_time["metric"] = over_time["baseline"] = "\x1b[2J\n";
  auto at_the_end = over_time;
  at_the_end.erase("over_time");
  for (const auto& hostile : {over_time, at_the_end}) {
    for (const bool markdown : {false, true}) {
      const auto text = compare_text(hostile, markdown);
      EXPECT_THAT(text, HasSubstr("a\\x1b[2J\\nb"));
      EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    }
  }
}

TEST_F(Compare, WarningsAreShownWithoutControlCharacters) {
  write_run("a-s1", 1, valid_row(40, "2.0"));
  change("runs/a-s1/config.yaml", "name: a-s1", "name: \"a\\e[2J\\nb\"");
  const auto result = run_to_end({MOE_BIN_DIR "/moe-compare", "runs"}, files_.path());
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("a\\x1b[2J\\nb: unfinished"));
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

TEST(ShortNumber, KeepsThreeDigits) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(999.9), "1.00 K");
  EXPECT_EQ(short_number(12345), "12.3 K");
  EXPECT_EQ(short_number(7029071020032.0), "7.03 T");
  EXPECT_EQ(short_number(999600), "1.00 M");
}

}  // namespace
}  // namespace moe
