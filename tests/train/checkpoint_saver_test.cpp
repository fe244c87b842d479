// Saving beside training: what is saved is what was there when it began, and what fails is told.
#include "train/checkpoint_saver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/file_size_limit.h"
#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CheckpointSaverTest : public ::testing::Test {
 protected:
  std::unique_ptr<Trainer> trained(int64_t steps) const {
    auto trainer = tiny_trainer(config_);
    for (int64_t i = 0; i < steps; ++i) {
      trainer->step();
    }
    return trainer;
  }
  TinyRun tiny_;
  RunConfig config_ = tiny_config(tiny_, {"model.moe.gate={kind: bias_balanced}"});
  std::string run_ = tiny_.file("run");
};

TEST_F(CheckpointSaverTest, TrainingGoesOnAndWhatIsSavedIsTheBeginning) {
  const auto expected = save_checkpoint(tiny_.file("expected"), *trained(2), "the config");
  auto trainer = trained(2);
  CheckpointSaver saver(run_, {}, 2);
  EXPECT_FALSE(saver.busy());
  EXPECT_EQ(saver.finish(), "") << "nothing to wait for";
  saver.start(*trainer, "the config");
  EXPECT_TRUE(saver.busy());
  for (int i = 0; i < 3; ++i) {
    trainer->step();
  }
  EXPECT_TRUE(eventually([&] { return saver.done(); }));
  const auto folder = saver.finish();
  EXPECT_EQ(folder, checkpoint_folder(run_, 2));
  EXPECT_FALSE(saver.busy());
  EXPECT_FALSE(saver.done());
  EXPECT_EQ(problem_of_checkpoint(folder), "");
  EXPECT_EQ(read_bytes(folder + "/manifest.json"), read_bytes(expected + "/manifest.json"));
}

TEST_F(CheckpointSaverTest, AFailureIsToldOnceAndLeavesNothing) {
  auto trainer = trained(1);
  CheckpointSaver saver(run_, {}, 2);
  saver.start(*trainer, "");
  const auto good = saver.finish();
  trainer->step();
  {
    const FileSizeLimit full(1000);
    saver.start(*trainer, "");
    EXPECT_TRUE(eventually([&] { return saver.done(); }));
    EXPECT_THAT(message_of<RunError>([&] { saver.finish(); }), HasSubstr("model.safetensors': cannot be written"));
  }
  EXPECT_EQ(saver.finish(), "");
  EXPECT_FALSE(fs::exists(run_ + "/checkpoints/.saving"));
  EXPECT_EQ(find_checkpoint(run_), good);
  saver.start(*trainer, "");
  EXPECT_EQ(saver.finish(), checkpoint_folder(run_, 2));
}

TEST_F(CheckpointSaverTest, AFolderThatCannotBeMadeIsToldBeforeAnythingIsCopied) {
  tiny_.files().write_file("run", "a file");
  auto trainer = trained(1);
  CheckpointSaver saver(run_, {}, 2);
  EXPECT_THAT(message_of<RunError>([&] { saver.start(*trainer, ""); }), HasSubstr("/.saving: cannot be made ("));
  EXPECT_FALSE(saver.busy());
}

TEST_F(CheckpointSaverTest, TheLastOneIsWaitedForAndOldOnesGo) {
  auto trainer = trained(1);
  {
    CheckpointSaver saver(run_, {}, 1);
    for (int i = 0; i < 3; ++i) {
      saver.start(*trainer, "");
      if (i < 2) {
        saver.finish();
        trainer->step();
      }
    }
  }
  const auto all = list_checkpoints(run_);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all.front().first, 3);
  EXPECT_EQ(problem_of_checkpoint(all.front().second), "");
}

TEST_F(CheckpointSaverTest, OneAtATime) {
  auto trainer = trained(1);
  CheckpointSaver saver(run_, {}, 1);
  saver.start(*trainer, "");
  EXPECT_THROW(saver.start(*trainer, ""), c10::Error);
}

}  // namespace
}  // namespace moe
