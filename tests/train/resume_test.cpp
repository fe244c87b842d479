// Stopping and going on: an interrupted run that is resumed ends exactly where an undisturbed one
// does, and a folder is never continued as something else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"
#include "train/run_folder.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string checkpoint(const std::string& run, int step) {
  return run + "/checkpoints/step-" + std::string(step < 10 ? 7 : step < 100 ? 6 : 5, '0') +
         std::to_string(step);
}

class Resume : public ::testing::Test {
 protected:
  // Starts a run and sends `signal` once `rows` rows of metrics are there; returns its end.
  Finished interrupt(const std::vector<std::string>& arguments, const std::string& run, int signal,
                     size_t rows) {
    Process process(tiny_.command(arguments), tiny_.folder());
    const auto metrics = tiny_.file(run + "/metrics.jsonl");
    EXPECT_TRUE(eventually([&] { return !process.running() || lines_in(metrics) >= rows; }));
    process.signal(signal);
    const auto code = process.wait(60);
    return {code.value_or(-1), process.out(), process.err()};
  }
  void expect_same_end(const std::string& one, const std::string& two, int step) {
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      const auto bytes = read_bytes(tiny_.file(checkpoint(one, step) + "/" + name));
      EXPECT_FALSE(bytes.empty());
      EXPECT_TRUE(bytes == read_bytes(tiny_.file(checkpoint(two, step) + "/" + name))) << name;
    }
    auto state_one = Json::parse(read_bytes(tiny_.file(checkpoint(one, step) + "/state.json")));
    auto state_two = Json::parse(read_bytes(tiny_.file(checkpoint(two, step) + "/state.json")));
    for (auto* state : {&state_one, &state_two}) {
      state->erase("seconds");
      state->erase("config");  // run.dir differs
    }
    EXPECT_EQ(state_one, state_two);
    EXPECT_EQ(repeatable(tiny_.rows(one)), repeatable(tiny_.rows(two)));
  }
  void damage(const std::string& path) {
    auto bytes = read_bytes(tiny_.file(path));
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(tiny_.file(path), std::ios::binary) << bytes;
  }
  TinyRun tiny_;
};

class ResumeOfGate : public Resume, public ::testing::WithParamInterface<const char*> {};

TEST_P(ResumeOfGate, EqualsTheUninterruptedRunBitForBit) {
  const std::vector<std::string> common = {"train.steps=250", "train.eval_every=60",
                                           std::string("model.moe.gate.kind=") + GetParam()};
  const auto with_dir = [&](const std::string& run) {
    auto all = common;
    all.push_back("run.dir=" + run);
    return all;
  };
  ASSERT_EQ(tiny_.train(with_dir("whole")).code, kDone);
  const auto first = interrupt(with_dir("parts"), "parts", SIGTERM, 20);
  ASSERT_EQ(first.code, kInterrupted) << first.err;
  EXPECT_THAT(first.err, HasSubstr("interrupted and saved; the same command goes on"));
  const auto stopped = tiny_.rows("parts").back().at("step").get<int64_t>();
  ASSERT_LT(stopped, 250);
  EXPECT_TRUE(fs::exists(tiny_.file(checkpoint("parts", static_cast<int>(stopped)))));
  const auto second =
      interrupt(with_dir("parts"), "parts", SIGINT, static_cast<size_t>(stopped) + 20);
  ASSERT_EQ(second.code, kInterrupted) << second.err;
  EXPECT_THAT(second.err, HasSubstr("resuming parts at step " + std::to_string(stopped)));
  ASSERT_EQ(tiny_.train(with_dir("parts")).code, kDone);
  expect_same_end("whole", "parts", 250);
}
INSTANTIATE_TEST_SUITE_P(Gates, ResumeOfGate, ::testing::Values("top_k", "switch", "dselect_k", "bias_balanced", "relu"));

TEST_F(Resume, RowsAfterTheCheckpointAreCutOffAndMadeAgain) {
  const std::vector<std::string> common = {"train.steps=30", "checkpoint.every=10",
                                           "checkpoint.keep=9"};
  const auto run = [&](const std::string& folder) {
    auto all = common;
    all.push_back("run.dir=" + folder);
    return tiny_.train(all);
  };
  ASSERT_EQ(run("whole").code, kDone);
  ASSERT_EQ(run("parts").code, kDone);
  fs::remove_all(tiny_.file(checkpoint("parts", 30)));
  std::ofstream(tiny_.file("parts/metrics.jsonl"), std::ios::app) << "{\"step\": 31, \"torn";
  ASSERT_EQ(run("parts").code, kDone);
  expect_same_end("whole", "parts", 30);
}

TEST_F(Resume, OfAFinishedRunSaysSoAndChangesNoRow) {
  const std::vector<std::string> arguments = {"run.dir=run", "train.steps=3"};
  ASSERT_EQ(tiny_.train(arguments).code, kDone);
  const auto rows = read_bytes(tiny_.file("run/metrics.jsonl"));
  const auto again = tiny_.train(arguments);
  EXPECT_EQ(again.code, kDone);
  EXPECT_THAT(again.err, HasSubstr("run: this run is finished; raise train.steps to go on"));
  EXPECT_EQ(again.out, "run: run\n");
  EXPECT_EQ(read_bytes(tiny_.file("run/metrics.jsonl")), rows);
  ASSERT_EQ(tiny_.train({"run.dir=run", "train.steps=5"}).code, kDone);
  EXPECT_EQ(tiny_.rows("run").back()["step"], 5);
}

TEST_F(Resume, NeverAndRequireAreKept) {
  const auto missing = tiny_.train({"--resume", "require", "run.dir=run"});
  EXPECT_EQ(missing.code, kUsage);
  EXPECT_FALSE(fs::exists(tiny_.file("run")));
  ASSERT_EQ(tiny_.train({"--resume", "never", "run.dir=run", "train.steps=2"}).code, kDone);
  EXPECT_EQ(tiny_.train({"--resume", "require", "run.dir=run", "train.steps=3"}).code, kDone);
  const auto never = tiny_.train({"--resume", "never", "run.dir=run", "train.steps=4"});
  EXPECT_EQ(never.code, kUsage);
  EXPECT_THAT(never.err, HasSubstr("--resume never, and there is a run here already"));
  EXPECT_EQ(tiny_.rows("run").back()["step"], 3);
}

TEST_F(Resume, AnotherConfigIsRefusedWithItsKeys) {
  ASSERT_EQ(tiny_.train({"run.dir=run", "train.steps=2"}).code, kDone);
  const auto before = read_bytes(tiny_.file("run/config.yaml"));
  const auto other = tiny_.train({"run.dir=run", "train.steps=9", "model.layers=1", "schedule.lr=1"});
  EXPECT_EQ(other.code, kUsage);
  EXPECT_EQ(other.err,
            "moe-train: run: holds a run of another configuration:\n"
            "  model.layers: the run has 2, now 1\n"
            "  schedule.lr: the run has 0.01, now 1\n"
            "Choose another run.name or run.dir, or take these changes back.\n");
  EXPECT_EQ(read_bytes(tiny_.file("run/config.yaml")), before);
}

TEST_F(Resume, ASecondProcessInTheSameFolderIsRefused) {
  const auto lock = RunLock::take(tiny_.file("run"));
  const auto second = tiny_.train({"run.dir=run", "train.steps=2"});
  EXPECT_EQ(second.code, kUsage);
  EXPECT_THAT(second.err, HasSubstr("moe-train: run: another process is training this run: wait "
                                    "for it, or choose another run.name\n"));
  EXPECT_FALSE(fs::exists(tiny_.file("run/metrics.jsonl")));
}

TEST_F(Resume, ADamagedCheckpointIsSetAsideAndTheOneBeforeUsed) {
  const std::vector<std::string> arguments = {"run.dir=run", "train.steps=6", "checkpoint.every=2",
                                              "checkpoint.keep=9"};
  ASSERT_EQ(tiny_.train(arguments).code, kDone);
  const auto newest = checkpoint("run", 6);
  const auto good = read_bytes(tiny_.file(newest + "/model.safetensors"));
  // Twice: the second time its place aside is taken.
  for (const std::string aside : {".damaged", ".damaged-2"}) {
    damage(newest + "/model.safetensors");
    const auto again = tiny_.train(arguments);
    ASSERT_EQ(again.code, kDone) << again.err;
    EXPECT_THAT(again.err, HasSubstr("model.safetensors"));
    EXPECT_THAT(again.err, HasSubstr("; set aside as " + newest + aside + "\n"));
    EXPECT_THAT(again.err, HasSubstr("resuming run at step 4"));
    EXPECT_TRUE(fs::exists(tiny_.file(newest + aside)));
    EXPECT_TRUE(read_bytes(tiny_.file(newest + "/model.safetensors")) == good);
  }
}

TEST_F(Resume, WithNoGoodCheckpointNothingIsTouched) {
  const std::vector<std::string> arguments = {"run.dir=run", "train.steps=4", "checkpoint.every=2"};
  ASSERT_EQ(tiny_.train(arguments).code, kDone);
  damage(checkpoint("run", 2) + "/optimizer.safetensors");
  damage(checkpoint("run", 4) + "/state.json");
  const auto rows = read_bytes(tiny_.file("run/metrics.jsonl"));
  for (int attempt = 0; attempt < 2; ++attempt) {  // asking twice must not start anew
    const auto run = tiny_.train(arguments);
    EXPECT_EQ(run.code, kCheckFailed);
    EXPECT_THAT(run.err, HasSubstr("run: no checkpoint is good:"));
    EXPECT_THAT(run.err, HasSubstr("step-00000002"));
    EXPECT_THAT(run.err, HasSubstr("step-00000004"));
    EXPECT_EQ(read_bytes(tiny_.file("run/metrics.jsonl")), rows);
    EXPECT_TRUE(fs::exists(tiny_.file(checkpoint("run", 2))));
  }
}

}  // namespace
}  // namespace moe
