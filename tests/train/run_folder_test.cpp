// Who may write into a run's folder, and which config may go on there.
#include "train/run_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "configs/config_io.h"
#include "data/formats/metrics_file.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

RunConfig config(const std::vector<std::string>& overrides = {}) {
  return parse_config<RunConfig>("data: {train: a.txt}\nmodel: {moe: {gate: {kind: top_k}}}\n", "c",
                                 overrides);
}

TEST(RunLock, IsHeldByOneAndReleased) {
  const TempDir folder;
  const auto run = folder.file("new/run");
  auto lock = RunLock::take(run);
  ASSERT_NE(lock, nullptr);
  EXPECT_EQ(RunLock::take(run), nullptr);
  EXPECT_NE(RunLock::take(folder.file("other")), nullptr);
  lock.reset();
  EXPECT_NE(RunLock::take(run), nullptr);
}

TEST(RunLock, SaysWhyAFolderCannotBeMade) {
  const TempDir folder;
  const auto file = folder.write_file("file", "");
  EXPECT_EQ(message_of<RunError>([&] { RunLock::take(file + "/run"); }),
            file + "/run: cannot be made or written (Not a directory); choose another place with "
                   "run.dir=...");
}

TEST(ResumeModeWord, IsOneOfThree) {
  EXPECT_EQ(resume_mode("auto"), ResumeMode::kAuto);
  EXPECT_EQ(resume_mode("never"), ResumeMode::kNever);
  EXPECT_EQ(resume_mode("require"), ResumeMode::kRequire);
  EXPECT_EQ(message_of<ConfigError>([] { resume_mode("Auto"); }),
            "--resume: expected auto, never or require, found 'Auto'");
}

TEST(RunFolder, IsBelowRunsUnlessNamed) {
  EXPECT_EQ(run_folder(config({"run.name=x"})), "runs/x");
  EXPECT_EQ(run_folder(config({"run.name=x", "run.dir=/a/b"})), "/a/b");
}

class ExistingRun : public ::testing::Test {
 protected:
  bool check(const std::vector<std::string>& overrides, ResumeMode mode = ResumeMode::kAuto) {
    auto given = config(overrides);
    return check_existing_run(folder_.path(), given, mode);
  }
  void write(const std::vector<std::string>& overrides = {}) {
    auto stored = config(overrides);
    write_run_files(folder_.path(), stored, {"moe-train", "c.yaml"});
  }
  TempDir folder_;
};

TEST_F(ExistingRun, IsNoneInAnEmptyFolder) {
  EXPECT_FALSE(check({}));
  EXPECT_FALSE(check({}, ResumeMode::kNever));
  EXPECT_EQ(message_of<ConfigError>([&] { check({}, ResumeMode::kRequire); }),
            folder_.path() + ": --resume require, and there is no run here to resume");
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(ExistingRun, GoesOnWithTheSameConfigAndAllowedChanges) {
  write({"train.steps=5"});
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({}, ResumeMode::kRequire));
  EXPECT_TRUE(check({"train.steps=9", "log.every=1", "checkpoint.keep=7", "run.name=n",
                     "data.cache=c", "sweep.variants={a: []}"}));
  EXPECT_EQ(message_of<ConfigError>([&] { check({}, ResumeMode::kNever); }),
            folder_.path() + ": --resume never, and there is a run here already: choose another "
                             "run.name or run.dir, or remove it");
}

TEST_F(ExistingRun, ListsEveryKeyThatDiffers) {
  write({"schedule.lr=2e-3"});
  EXPECT_EQ(message_of<ConfigError>([&] {
              check({"schedule.lr=1e-3", "run.seed=2", "train.steps=3", "model.layers=2"});
            }),
            folder_.path() +
                ": holds a run of another configuration:\n"
                "  run.seed: the run has 1, now 2\n"
                "  model.layers: the run has 4, now 2\n"
                "  schedule.lr: the run has 0.002, now 0.001\n"
                "Choose another run.name or run.dir, or take these changes back.");
}

TEST_F(ExistingRun, ListsKeysThatOnlyOneOfThemHas) {
  write();
  const auto dense = message_of<ConfigError>([&] { check({"model.moe=none"}); });
  EXPECT_NE(dense.find("\n  model.moe: the run has nothing, now none"), std::string::npos) << dense;
  EXPECT_NE(dense.find("\n  model.moe.experts: the run has 8, now nothing"), std::string::npos)
      << dense;
  const auto gate = message_of<ConfigError>([&] { check({"model.moe.gate.kind=dselect_k"}); });
  EXPECT_NE(gate.find("\n  model.moe.gate.kind: the run has top_k, now dselect_k"),
            std::string::npos)
      << gate;
}

TEST_F(ExistingRun, LosesWhatAKilledProcessLeft) {
  folder_.write_file("metrics.jsonl.tmp-123-0", "half");
  folder_.write_file("config.yaml.tmp-9-1", "half");
  folder_.write_file("mine.tmp-1", "a user's");
  write();
  EXPECT_EQ(folder_.names(),
            (std::vector<std::string>{"config.yaml", "environment.json", "mine.tmp-1"}));
}

TEST_F(ExistingRun, KeepsTheCompleteConfigAndTheEnvironment) {
  write({"run.seed=5"});
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{"config.yaml", "environment.json"}));
  auto stored = load_config<RunConfig>(folder_.file("config.yaml"));
  auto given = config({"run.seed=5"});
  EXPECT_EQ(flatten_config(view_of(stored)), flatten_config(view_of(given)));
  const auto environment = Json::parse(read_bytes(folder_.file("environment.json")));
  EXPECT_EQ(environment.at("command_line"), (Json{"moe-train", "c.yaml"}));
  for (const char* key : {"started", "moe", "commit", "libtorch", "processor", "threads"}) {
    EXPECT_TRUE(environment.contains(key)) << key;
  }
}

}  // namespace
}  // namespace moe
