// moe-compare of eval.jsonl: tasks before and after continuing, and against a control.
#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "tests/train/compare_runs.h"
#include "train/compare/text.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string task(const std::string& name, const std::string& value, const std::string& items = "[]",
                 const std::string& better = "higher") {
  return "\"" + name + "\":{\"value\":" + value + ",\"standard_error\":0.1,\"n\":4,\"better\":\"" + better +
         "\",\"metric\":\"accuracy\",\"items\":" + items + "}";
}

class CompareTransfer : public Compare {
 protected:
  void write_base(const std::string& tasks) {
    write_run("base-s1", 1, valid_row(100, "4.0"));
    write_evals("base-s1", tasks);
  }
  void write_continued(const std::string& name, int64_t seed, const std::string& tasks, const std::string& clip = "2") {
    write_run(name, seed, valid_row(100, "3.0"), "none",
              "optimizer: {clip: " + clip + "}\ninit: {from: runs/base-s1}\n");
    write_beginning(name, files_.file("runs/base-s1/checkpoints/step-00000100"));
    write_evals(name, tasks);
  }
  Json compared(const std::string& control = "", const std::string& before = "") const {
    CompareOptions options;
    options.paths = {files_.file("runs")};
    options.control = control;
    options.before = before;
    return compare_runs(options);
  }
};

TEST_F(CompareTransfer, BeforeAfterAndThePairedTestOverSeeds) {
  write_base(task("t", "0.50") + "," + task("loss", "3.0", "[]", "lower"));
  write_continued("ul2r-s1", 1, task("t", "0.52") + "," + task("loss", "2.0", "[]", "lower"));
  write_continued("ul2r-s2", 2, task("t", "0.56"));
  write_continued("ul2r-s3", 3, task("t", "0.54"));
  const auto all = compared();
  ASSERT_EQ(all["transfer"].size(), 1u);
  const auto& row = all["transfer"][0];
  EXPECT_EQ(row["name"], "ul2r");
  EXPECT_TRUE(row["control"].is_null());
  const auto& t = row["tasks"]["t"];
  EXPECT_EQ(t["before"], 0.5);
  EXPECT_NEAR(t["after"], 0.54, 1e-12);
  EXPECT_NEAR(t["delta"], 0.04, 1e-12);
  EXPECT_NEAR(t["sd"], 0.02, 1e-12);
  EXPECT_EQ(t["n"], 3);
  EXPECT_EQ(t["better"], "higher");
  EXPECT_EQ(t["test"]["over"], "seeds");
  EXPECT_EQ(t["test"]["pairs"], 3);
  EXPECT_NEAR(t["test"]["t"], 0.04 / (0.02 / std::sqrt(3)), 1e-9);
  EXPECT_NEAR(t["test"]["p"], 1 - std::sqrt(12.0 / 14.0), 1e-9);  // t of sqrt(12): as in statistics_test.cpp
  const auto& loss = row["tasks"]["loss"];
  EXPECT_EQ(loss["n"], 1);
  EXPECT_EQ(loss["delta"], -1.0);
  EXPECT_TRUE(loss["sd"].is_null());
  EXPECT_TRUE(loss["test"].is_null());  // one seed, and no items
  EXPECT_THAT(compare_text(all, false), HasSubstr("ul2r: tasks before and after"));
  EXPECT_THAT(compare_text(all, true),
              HasSubstr("| t | higher | 0.5000 | 0.5400 ± 0.0200 | +0.0400 | 0.0742, 0.0742 (3 seeds) |"));
}

TEST_F(CompareTransfer, OverItemsWithOneSeed) {
  write_base(task("t", "0.25", "[0,0,0,1]") + "," + task("u", "0.25", "[0,0,0,1]"));
  write_continued("ul2r-s1", 1, task("t", "0.75", "[1,0,1,1]") + "," + task("u", "0.5", "[0,1]"));
  const auto tasks = compared()["transfer"][0]["tasks"];
  const auto& test = tasks["t"]["test"];
  EXPECT_EQ(test["over"], "items");
  EXPECT_EQ(test["pairs"], 4);
  EXPECT_NEAR(test["t"], 0.5 / (std::sqrt(1.0 / 3) / 2), 1e-12);
  EXPECT_EQ(test["p_holm"], test["p"]);
  EXPECT_TRUE(tasks["u"]["test"].is_null());  // other items
}

TEST_F(CompareTransfer, AgainstAControl) {
  write_base(task("t", "0.5"));
  for (int64_t seed = 1; seed <= 3; ++seed) {
    const auto suffix = "-s" + std::to_string(seed);
    write_continued("causal" + suffix, seed, task("t", std::to_string(0.6 + 0.1 * static_cast<double>(seed))));
    write_continued("ul2r" + suffix, seed, task("t", std::to_string(0.6 + 0.11 * static_cast<double>(seed))), "3");
  }
  EXPECT_TRUE(compared()["transfer"][0]["tasks"]["t"]["control"].is_null());
  const auto all = compared("causal");
  ASSERT_EQ(all["transfer"].size(), 2u);
  EXPECT_TRUE(all["transfer"][0]["control"].is_null());  // it is the control
  EXPECT_EQ(all["transfer"][1]["control"], "causal");
  const auto& control = all["transfer"][1]["tasks"]["t"]["control"];
  EXPECT_NEAR(control["after"], 0.8, 1e-9);
  EXPECT_NEAR(control["delta"], 0.02, 1e-9);
  EXPECT_EQ(control["test"]["over"], "seeds");
  EXPECT_NEAR(control["test"]["t"], 0.02 / (0.01 / std::sqrt(3)), 1e-4);
  const auto text = compare_text(all, true);
  EXPECT_THAT(text, HasSubstr("what the objective gained over its matched control"));
  EXPECT_THAT(text, HasSubstr("| t | higher | +0.0200 |"));
  EXPECT_THAT(message_of<ConfigError>([&] { compared("cusal"); }), HasSubstr("--control: expected a variant"));
}

// Seeds 1 and 2 gain 0.1 and 0.3; seed 3 has no control, and a mean over all would be of other seeds than the test's.
TEST_F(CompareTransfer, TheGainIsOfTheSeedsThatTheTestIsOver) {
  write_base(task("t", "0.5"));
  const char* const values[] = {"0.6", "0.8", "9.0"};
  for (int64_t seed = 1; seed <= 3; ++seed) {
    write_continued("ul2r-s" + std::to_string(seed), seed, task("t", values[seed - 1]), "3");
    if (seed < 3) write_continued("causal-s" + std::to_string(seed), seed, task("t", "0.5"));
  }
  const auto all = compared("causal");
  ASSERT_EQ(all["transfer"][1]["name"], "ul2r");
  const auto& control = all["transfer"][1]["tasks"]["t"]["control"];
  EXPECT_EQ(control["test"]["pairs"], 2);
  EXPECT_NEAR(control["delta"], 0.2, 1e-12);
  EXPECT_EQ(control["delta"], control["test"]["mean"]);
}

TEST_F(CompareTransfer, RunsOfOneSeedCountOnceByTheirMean) {
  write_base(task("t", "0.25", "[0,0,0,1]"));
  write_continued("ul2r-s1", 1, task("t", "0.5", "[1,0,0,1]"));
  write_continued("ul2r-t1", 1, task("t", "1.0", "[1,1,1,1]"));
  const auto one = compared()["transfer"][0]["tasks"]["t"];
  EXPECT_EQ(one["n"], 1);
  EXPECT_EQ(one["after"], 0.75);
  EXPECT_EQ(one["test"]["over"], "items");
  EXPECT_EQ(one["test"]["mean"], 0.5);  // items 1, 0.5, 0.5 and 1
  write_continued("ul2r-s2", 2, task("t", "0.25"));
  const auto two = compared()["transfer"][0]["tasks"]["t"];
  EXPECT_EQ(two["n"], 2);
  EXPECT_EQ(two["after"], 0.5);
  EXPECT_EQ(two["test"]["pairs"], 2);
}

// Items of other questions belong to nothing; another task's file is no other question.
TEST_F(CompareTransfer, ItemsArePairedWhereSettingsAreEqual) {
  const auto test_of = [this](const std::string& settings) {
    write_base("");
    write_continued("ul2r-s1", 1, "");
    write_evals("base-s1", task("a.exact", "0.25", "[0,0,0,1]"), 100,
                R"(,"settings":{"context":16,"tasks":{"a":"x","c":"z"}})");
    write_evals("ul2r-s1", task("a.exact", "0.75", "[1,0,1,1]"), 100, ",\"settings\":" + settings);
    return compared()["transfer"][0]["tasks"]["a.exact"]["test"];
  };
  EXPECT_EQ(test_of(R"({"context":16,"tasks":{"a":"x","b":"y"}})")["over"], "items");
  EXPECT_TRUE(test_of(R"({"context":16,"tasks":{"a":"y"}})").is_null());
  EXPECT_TRUE(test_of(R"({"context":32,"tasks":{"a":"x"}})").is_null());
  EXPECT_TRUE(test_of(R"({"tasks":{"a":"x"}})").is_null());
}

// Two tasks' changes since before, of which the smaller p counts twice.
TEST_F(CompareTransfer, PIsCorrectedForAllTasks) {
  write_base(task("t", "0.25", "[0,0,0,1]") + "," + task("u", "0.25", "[0,0,0,1]"));
  write_continued("ul2r-s1", 1, task("t", "0.75", "[1,0,1,1]") + "," + task("u", "0.5", "[0,0,1,1]"));
  const auto tasks = compared()["transfer"][0]["tasks"];
  EXPECT_DOUBLE_EQ(tasks["t"]["test"]["p_holm"].get<double>(), 2 * tasks["t"]["test"]["p"].get<double>());
  EXPECT_EQ(tasks["u"]["test"]["p_holm"], tasks["u"]["test"]["p"]);
}

TEST_F(CompareTransfer, RecordsOfOneStepAreOneAndTheLastLineOfATaskCounts) {
  write_base(task("t", "0.5"));
  write_continued("ul2r-s1", 1, task("t", "0.1"));
  const std::string lines = "{\"step\":50,\"tasks\":{" + task("t", "0.2") + "}}\n{\"step\":100,\"tasks\":{" +
                            task("t", "0.3") + "}}\n{\"step\":100,\"tasks\":{" + task("u", "0.9") +
                            "}}\n{\"step\":100,\"tasks\":{" + task("t", "0.7") + "}}\n";
  files_.write_file("runs/ul2r-s1/eval.jsonl", lines);
  const auto tasks = compared()["transfer"][0]["tasks"];
  EXPECT_EQ(tasks["t"]["after"], 0.7);
  EXPECT_EQ(tasks["u"]["after"], 0.9);
  EXPECT_TRUE(tasks["u"]["before"].is_null());
  EXPECT_TRUE(tasks["u"]["delta"].is_null());
}

// A checkpoint of the middle says nothing of the end.
TEST_F(CompareTransfer, OnlyTheLastStepOfAFinishedRunCounts) {
  write_base(task("t", "0.5"));
  write_continued("ul2r-s1", 1, task("t", "0.1"));
  write_evals("ul2r-s1", task("t", "0.1"), 50);
  EXPECT_FALSE(compared().contains("transfer"));
  files_.write_file("runs/ul2r-s1/metrics.jsonl", valid_row(50, "3.0"));  // its last row, but not its end
  EXPECT_FALSE(compared().contains("transfer"));
}

TEST_F(CompareTransfer, TheBaseMayHaveMovedAlongOrBeNamed) {
  write_base(task("t", "0.5"));
  write_continued("ul2r-s1", 1, task("t", "0.6"));
  const auto before = [](const Json& all) { return all["transfer"][0]["tasks"]["t"]["before"]; };
  write_beginning("ul2r-s1", "elsewhere/base-s1/checkpoints/step-00000100/");
  EXPECT_EQ(before(compared()), 0.5);
  std::filesystem::remove(files_.file("runs/base-s1/eval.jsonl"));
  EXPECT_TRUE(before(compared()).is_null());
  EXPECT_THAT(warnings(),
              HasSubstr("ul2r-s1: no record in eval.jsonl of the checkpoint that it began with (elsewhere/"));
  std::filesystem::create_directories(files_.file("other"));
  files_.write_file("other/eval.jsonl", "{\"step\":7,\"tasks\":{" + task("t", "0.4") + "}}\n");
  EXPECT_EQ(before(compared("", files_.file("other"))), 0.4);
  EXPECT_THAT(message_of<RunError>([&] { compared("", files_.file("nowhere")); }),
              HasSubstr("nowhere': expected a run's folder with eval.jsonl, found none"));
}

// A relative path may name another folder from here, such as one of an older sweep.
TEST(BeginningFolders, TheLikeliestIsFirst) {
  const auto folders = [](const std::string& checkpoint) {
    BeganWith began;
    began.checkpoint = checkpoint;
    return beginning_folders(began, "/sweep/ul2r-s1/");
  };
  using testing::ElementsAre;
  EXPECT_THAT(folders("/a/base-s1/checkpoints/step-00000100/"), ElementsAre("/a/base-s1", "/sweep/base-s1"));
  EXPECT_THAT(folders("runs/base-s1/checkpoints/step-00000100"), ElementsAre("/sweep/base-s1", "runs/base-s1"));
  EXPECT_THAT(folders("base-s1/checkpoints/step-00000100"), ElementsAre("/sweep/base-s1", "base-s1"));
  EXPECT_THAT(folders("checkpoints/step-00000100"), testing::IsEmpty());
  EXPECT_THAT(folders("../checkpoints/step-00000100"), testing::IsEmpty());
}

TEST_F(CompareTransfer, OtherSettingsAreSaid) {
  write_base(task("t", "0.5"));
  write_continued("ul2r-s1", 1, task("t", "0.6"));
  write_evals("base-s1", task("t", "0.5"), 100, R"(,"settings":{"seed":1,"tasks":{"a":"x","c":"z"}})");
  write_evals("ul2r-s1", task("t", "0.6"), 100, R"(,"settings":{"seed":2,"tasks":{"a":"x","b":"y"}})");
  EXPECT_THAT(warnings(),
              HasSubstr("ul2r-s1: tasks before and after were measured with other settings: seed (1, 2); "));
  EXPECT_THAT(warnings(), HasSubstr("ul2r-s1: tasks were measured with other settings than base-s1's: seed (1, 2)"));
  const auto delta = [this] { return compared()["transfer"][0]["tasks"]["t"]["delta"]; };
  EXPECT_TRUE(delta().is_null());  // 0.6 of other questions is no gain over 0.5
  write_evals("ul2r-s1", task("t", "0.6"), 100, R"(,"settings":{"seed":1,"tasks":{"a":"x","b":"y"}})");
  EXPECT_THAT(warnings(), Not(HasSubstr("other settings")));
  EXPECT_NEAR(delta().get<double>(), 0.1, 1e-12);
}

TEST_F(CompareTransfer, TasksAreMetricsToo) {
  write_base(task("t.exact", "0.5"));
  write_continued("ul2r-s1", 1, task("t.exact", "0.7"));
  const auto all = report("eval.t.exact");
  EXPECT_EQ(all["variants"][1]["value"]["mean"], 0.7);
  EXPECT_EQ(all["variants"][1]["total"]["flops"], 108000.0);
  EXPECT_EQ(all["savings"]["better"], "higher");
  EXPECT_EQ(all["savings"]["axes"][0]["variants"][0]["reach"], "not reached");
  EXPECT_THAT(message_of<ConfigError>([&] { report("eval.t.exakt"); }), HasSubstr("did you mean 'eval.t.exact'?"));
}

TEST_F(CompareTransfer, WhatIsNoRecordIsNamed) {
  write_base(task("t", "0.5", "[]", "bigger"));
  EXPECT_THAT(message_of<RunError>([&] { compared(); }),
              HasSubstr("base-s1/eval.jsonl':1: tasks.t.better: expected \"higher\" or \"lower\", found '\"bigger\"'"));
  write_evals("base-s1", task("t", "\"half\""));
  EXPECT_THAT(message_of<RunError>([&] { compared(); }), HasSubstr("tasks.t.value: expected a number or null, found"));
  files_.write_file("runs/base-s1/eval.jsonl", "{\"step\":1.5}\n");
  EXPECT_THAT(message_of<RunError>([&] { compared(); }),
              HasSubstr("eval.jsonl':1: expected an integer `step` and an object `tasks`, found"));
}

// A value that was not finite is null.
TEST_F(CompareTransfer, AValueThatIsNotFiniteStaysOutOfTheFigures) {
  write_base(task("t", "0.5"));
  write_continued("ul2r-s1", 1, task("t", "null"));
  const auto t = compared()["transfer"][0]["tasks"]["t"];
  EXPECT_TRUE(t["after"].is_null());
  EXPECT_TRUE(t["delta"].is_null());
}

}  // namespace
}  // namespace moe
