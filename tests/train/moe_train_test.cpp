// The command as users run it: every gate trains, wrong usage writes nothing, exit codes are fixed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

double mean_loss(const std::vector<Json>& rows, size_t first, size_t count) {
  double sum = 0;
  for (size_t i = first; i < first + count; ++i) sum += rows.at(i).at("loss").get<double>();
  return sum / static_cast<double>(count);
}

class MoeTrain : public ::testing::Test {
 protected:
  std::vector<std::string> runs() const { return names_in("runs"); }
  std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(tiny_.file(folder), none)) {
      const std::string name = entry.path().filename();
      // Its name goes on with time, host and process.
      names.push_back(name.rfind("events.", 0) == 0 ? "events" : name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  void expect_nothing_written() const {
    EXPECT_EQ(tiny_.files().names(), (std::vector<std::string>{"text.txt", "tiny.yaml"}));
  }
  TinyRun tiny_;
};

class EveryGate : public MoeTrain, public ::testing::WithParamInterface<const char*> {};

TEST_P(EveryGate, LearnsInThirtySteps) {
  const std::string override = GetParam();
  const auto run = tiny_.train({override, "run.dir=run", "train.eval_every=15"});
  ASSERT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "run: run\n");
  const auto rows = tiny_.rows("run");
  std::vector<Json> train, valid;
  for (const auto& row : rows) (row["split"] == "train" ? train : valid).push_back(row);
  ASSERT_EQ(train.size(), 30u);
  ASSERT_EQ(valid.size(), 2u);
  EXPECT_LT(mean_loss(train, 25, 5), mean_loss(train, 0, 5) - 1) << "of " << override;
  EXPECT_LT(valid[1]["loss"].get<double>(), valid[0]["loss"].get<double>());
  EXPECT_EQ(train[0]["moe"].size(), override == "model.moe=none" ? 0u : 2u);
}
INSTANTIATE_TEST_SUITE_P(MoeTrain, EveryGate,
                         ::testing::Values("model.moe.gate.kind=top_k", "model.moe.gate.kind=switch",
                                           "model.moe.gate.kind=mixtral",
                                           "model.moe.gate.kind=dselect_k",
                                           "model.moe.gate.kind=dselect_k_static",
                                           "model.moe.gate.kind=softmax",
                                           "model.moe.gate.kind=round_robin", "model.moe=none"));

TEST_F(MoeTrain, WritesTheFilesOfARun) {
  ASSERT_EQ(tiny_.train({"train.steps=4", "checkpoint.every=2", "checkpoint.keep=9"}).code, kDone);
  EXPECT_EQ(runs(), std::vector<std::string>{"tiny-s1"});
  EXPECT_EQ(names_in("runs/tiny-s1"),
            (std::vector<std::string>{"checkpoints", "config.yaml", "environment.json", "events",
                                      "lock", "metrics.jsonl", "report.html"}));
  EXPECT_EQ(names_in("runs/tiny-s1/checkpoints"),
            (std::vector<std::string>{"step-00000002", "step-00000004"}));
  EXPECT_EQ(names_in("runs/tiny-s1/checkpoints/step-00000004"),
            (std::vector<std::string>{"manifest.json", "model.safetensors", "optimizer.safetensors",
                                      "state.json"}));
}

TEST_F(MoeTrain, SwappingTheGateStartsAnotherRun) {
  ASSERT_EQ(tiny_.train({"train.steps=1"}).code, kDone);
  ASSERT_EQ(tiny_.train({"train.steps=1", "model.moe.gate.kind=dselect_k"}).code, kDone);
  ASSERT_EQ(tiny_.train({"train.steps=1", "run.seed=2"}).code, kDone);
  EXPECT_EQ(runs(), (std::vector<std::string>{"tiny-dselect_k-s1", "tiny-s1", "tiny-s2"}));
}

TEST_F(MoeTrain, LogsEveryNthStepAndTheLast) {
  ASSERT_EQ(tiny_.train({"run.dir=run", "train.steps=7", "log.every=3"}).code, kDone);
  std::vector<int64_t> steps;
  for (const auto& row : tiny_.rows("run")) {
    if (row["split"] == "train") steps.push_back(row["step"]);
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{3, 6, 7}));
}

TEST_F(MoeTrain, AWrongConfigIsRefusedBeforeAnythingIsWritten) {
  const auto run = tiny_.train({"model.heads=3", "train.stepz=4"});
  EXPECT_EQ(run.code, kUsage);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("train.stepz"));
  expect_nothing_written();
  EXPECT_EQ(tiny_.train({"--resume", "maybe"}).code, kUsage);
  EXPECT_EQ(tiny_.train({"--no-such-flag"}).code, kUsage);
  EXPECT_EQ(tiny_.train({"train.device=cuda", "run.dir=run"}).code, kUsage);
  expect_nothing_written();
}

TEST_F(MoeTrain, MissingDataFailsBeforeAnythingIsWritten) {
  const auto run = tiny_.train({"data.train=nothing.txt", "run.dir=run"});
  EXPECT_EQ(run.code, kFailed);
  EXPECT_THAT(run.err, HasSubstr("data.train: 'nothing.txt'"));
  expect_nothing_written();
}

TEST_F(MoeTrain, PrintsTheConfigWithoutARun) {
  const auto printed = tiny_.train({"--print-config", "model.moe.gate.kind=dselect_k"});
  ASSERT_EQ(printed.code, kDone);
  EXPECT_THAT(printed.out, HasSubstr("kind: dselect_k\n"));
  EXPECT_THAT(printed.out, HasSubstr("name: tiny-dselect_k-s1\n"));
  expect_nothing_written();
}

TEST_F(MoeTrain, DryRunTellsWithoutARunOrData) {
  const auto json = tiny_.train({"--dry-run", "--json", "data.train=nothing.txt"});
  ASSERT_EQ(json.code, kDone) << json.err;
  EXPECT_GT(Json::parse(json.out)["parameters"]["total"].get<int64_t>(), 0);
  EXPECT_THAT(tiny_.train({"--dry-run"}).out, HasSubstr("parameters "));
  expect_nothing_written();
}

TEST_F(MoeTrain, HelpExplainsOneSection) {
  const auto help = tiny_.train({"--help-config", "schedule"});
  ASSERT_EQ(help.code, kDone);
  EXPECT_THAT(help.out, HasSubstr("warmup"));
  EXPECT_EQ(tiny_.train({"--help"}).code, kDone);
}

TEST_F(MoeTrain, ARunsOwnConfigRepeatsIt) {
  ASSERT_EQ(tiny_.train({"run.dir=one", "train.steps=5", "model.moe.gate.kind=switch"}).code, kDone);
  const auto again =
      run_to_end({std::string(MOE_BIN_DIR) + "/moe-train", "one/config.yaml", "run.dir=two"},
                 tiny_.folder());
  ASSERT_EQ(again.code, kDone) << again.err;
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    const std::string file = std::string("/checkpoints/step-00000005/") + name;
    const auto bytes = read_bytes(tiny_.file("one" + file));
    EXPECT_FALSE(bytes.empty());
    EXPECT_TRUE(bytes == read_bytes(tiny_.file("two" + file))) << name;
  }
  EXPECT_EQ(repeatable(tiny_.rows("one")), repeatable(tiny_.rows("two")));
}

}  // namespace
}  // namespace moe
