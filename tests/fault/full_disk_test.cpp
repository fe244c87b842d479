// Disks that fill up under a run: what was saved stays good, training goes on where it can, and the
// same command goes on once there is room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/small_disk.h"
#include "tests/support/tiny_run.h"
#include "train/checkpoint.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

class FullDisk : public ::testing::Test {
 protected:
  Words words(const std::string& run, Words more) const {
    Words all = {"run.dir=" + run, "train.eval_every=0", "log.tensorboard=false"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<int64_t> steps(const std::string& run) const {
    std::vector<int64_t> steps;
    for (const auto& [step, folder] : list_checkpoints(tiny_.file(run))) {
      EXPECT_EQ(problem_of_checkpoint(folder), "");
      steps.push_back(step);
    }
    return steps;
  }
  std::string weights(const std::string& run, int64_t step) const {
    return read_bytes(checkpoint_folder(tiny_.file(run), step) + "/model.safetensors");
  }
  // That `run` ended as one does that nothing disturbed.
  void expect_undisturbed_end(const std::string& run, const Words& more, int64_t step) const {
    ASSERT_EQ(tiny_.train(words("whole", more)).code, kDone);
    EXPECT_FALSE(weights("whole", step).empty());
    EXPECT_TRUE(weights(run, step) == weights("whole", step));
    EXPECT_EQ(repeatable(tiny_.rows(run)), repeatable(tiny_.rows("whole")));
  }
  TinyRun tiny_;
};

#define MOUNT_OR_SKIP(disk, megabytes)                  \
  const SmallDisk disk(tiny_.file("disk"), (megabytes)); \
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem()

TEST_F(FullDisk, ASaveThatDoesNotFitIsNotBegunAndTrainingGoesOn) {
  MOUNT_OR_SKIP(disk, 8);
  // Few rows, so that they fit whatever happens.
  Process process(tiny_.command(words("disk/run", {"train.steps=1000000", "checkpoint.every=100",
                                                   "checkpoint.keep=1", "log.every=1000"})),
                  tiny_.folder());
  ASSERT_TRUE(eventually([&] { return !steps("disk/run").empty(); })) << process.err();
  disk.fill(1 << 20);
  const auto refusals = [&] {
    size_t count = 0, at = 0;
    const auto text = process.err();
    while ((at = text.find("training goes on and saves again at step", at + 1)) != text.npos) ++count;
    return count;
  };
  ASSERT_TRUE(eventually([&] { return refusals() >= 2; })) << process.err();
  EXPECT_THAT(process.err(), HasSubstr("of free disk space for it, found 1.05 MB, so it was not begun; "
                                       "free some space there. Earlier checkpoints are untouched; "
                                       "training goes on and saves again at step "));
  const auto before = steps("disk/run");
  ASSERT_EQ(before.size(), 1u);
  EXPECT_FALSE(fs::exists(tiny_.file("disk/run/checkpoints/.saving")));
  disk.make_room();
  ASSERT_TRUE(eventually([&] {
    const auto all = list_checkpoints(tiny_.file("disk/run"));
    return !all.empty() && all.front().first > before.front() + 100;
  })) << process.err();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(60), kInterrupted) << process.err();
}

TEST_F(FullDisk, TheLastSaveFailsTheRunAndTheSameCommandGoesOn) {
  MOUNT_OR_SKIP(disk, 8);
  ASSERT_EQ(tiny_.train(words("disk/run", {"train.steps=10"})).code, kDone);
  const auto saved = weights("disk/run", 10);
  disk.fill(1 << 19);
  const auto full = tiny_.train(words("disk/run", {"train.steps=20", "checkpoint.every=5"}));
  EXPECT_EQ(full.code, kFailed);
  EXPECT_THAT(full.err, HasSubstr("training goes on and saves again at step 20\n"));
  EXPECT_THAT(full.err, HasSubstr("moe-train: disk/run/checkpoints/step-00000020: expected "));
  EXPECT_THAT(full.err, HasSubstr(". The run stops here; its newest good checkpoint is that of step 10, "
                                  "from which the same command goes on once the cause is mended\n"));
  EXPECT_THAT(steps("disk/run"), ElementsAre(10));
  EXPECT_TRUE(weights("disk/run", 10) == saved);
  EXPECT_EQ(tiny_.rows("disk/run").back()["step"], 20) << "rows stay";
  disk.make_room();
  const auto again = tiny_.train(words("disk/run", {"train.steps=20", "checkpoint.every=5"}));
  EXPECT_EQ(again.code, kDone) << again.err;
  EXPECT_THAT(again.err, HasSubstr("resuming disk/run at step 10"));
  EXPECT_FALSE(weights("disk/run", 20).empty());
}

TEST_F(FullDisk, WithoutRoomForAnyCheckpointTheRowsAreStillKept) {
  MOUNT_OR_SKIP(disk, 1);
  const Words more = {"train.steps=12", "checkpoint.every=4"};
  const auto full = tiny_.train(words("disk/run", more));
  EXPECT_EQ(full.code, kFailed);
  EXPECT_THAT(full.err, HasSubstr("step 12\n"));
  EXPECT_THAT(full.err, HasSubstr("it has no good checkpoint yet, so that the same command, once the "
                                  "cause is mended, begins it anew"));
  EXPECT_TRUE(steps("disk/run").empty());
  EXPECT_EQ(tiny_.rows("disk/run").back()["step"], 12);
  const auto again = tiny_.train(words("disk/run", more));
  EXPECT_EQ(again.code, kFailed);
  EXPECT_TRUE(fs::exists(tiny_.file("disk/run/metrics.jsonl.former")));
}

TEST_F(FullDisk, ARollbackWithoutAnyCheckpointGoesBackToTheFirstValues) {
  MOUNT_OR_SKIP(disk, 1);
  const auto end = tiny_.train(words("disk/run", {"train.steps=9", "checkpoint.every=1",
                                                  "schedule.lr=1e30", "schedule.warmup=0",
                                                  "train.on_nonfinite=rollback", "train.bad_steps=1"}));
  EXPECT_EQ(end.code, kFailed);
  EXPECT_THAT(end.err, HasSubstr("so it was not begun"));
  EXPECT_THAT(end.err, HasSubstr("; back to the first values"));
  EXPECT_THAT(end.err, HasSubstr("that is one more bad step than the 1 of train.bad_steps"));
}

// A limit on a file's size stands in for a disk, a quota or a device that fails in the middle.
TEST_F(FullDisk, ASaveThatFailsMidwayIsAWarningAndTrainingGoesOn) {
  const Words more = {"train.steps=9", "checkpoint.every=3"};
  {
    const FileSizeLimit limit(60'000);
    const auto full = tiny_.train(words("run", more));
    EXPECT_EQ(full.code, kFailed);
    for (const char* step : {"step 6\n", "step 9\n"}) {
      EXPECT_THAT(full.err, HasSubstr(std::string("cannot be written: File too large. Earlier "
                                                  "checkpoints are untouched; training goes on and "
                                                  "saves again at ") + step));
    }
    EXPECT_THAT(full.err, HasSubstr("it has no good checkpoint yet"));
    EXPECT_EQ(tiny_.rows("run").back()["step"], 9);
    EXPECT_TRUE(fs::is_empty(tiny_.file("run/checkpoints")));
  }
  ASSERT_EQ(tiny_.train(words("run", more)).code, kDone);
  expect_undisturbed_end("run", more, 9);
}

TEST_F(FullDisk, RowsThatCannotBeWrittenStopTheRunAndNothingIsLost) {
  const Words more = {"train.steps=60", "checkpoint.every=0"};
  ASSERT_EQ(tiny_.train(words("run", {"train.steps=20", "checkpoint.every=0"})).code, kDone);
  const auto saved = weights("run", 20);
  const auto whole_rows = tiny_.rows("run").size();
  {
    const FileSizeLimit limit(fs::file_size(tiny_.file("run/metrics.jsonl")) + 2000);
    const auto full = tiny_.train(words("run", more));
    EXPECT_EQ(full.code, kFailed);
    EXPECT_THAT(full.err, HasSubstr("metrics.jsonl': cannot be written: File too large. The run stops "
                                    "here; its newest good checkpoint is that of step 20, from which"));
  }
  EXPECT_TRUE(weights("run", 20) == saved);
  const auto text = read_bytes(tiny_.file("run/metrics.jsonl"));
  EXPECT_EQ(text.back(), '\n') << "no torn row";
  EXPECT_GT(tiny_.rows("run").size(), whole_rows);
  ASSERT_EQ(tiny_.train(words("run", more)).code, kDone);
  EXPECT_EQ(tiny_.rows("run").back()["step"], 60);
  EXPECT_FALSE(weights("run", 60).empty());
}

}  // namespace
}  // namespace moe
