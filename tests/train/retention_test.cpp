// Which checkpoints go, and that a good one never goes for one that only looks good.
#include "train/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RetentionTest : public ::testing::Test {
 protected:
  std::string save_next() {
    trainer_->step();
    return save_checkpoint(run_, *trainer_, "the config");
  }
  void damage(const std::string& checkpoint) {
    auto bytes = read_bytes(checkpoint + "/model.safetensors");
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(checkpoint + "/model.safetensors", std::ios::binary) << bytes;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(run_ + "/checkpoints")) {
      names.push_back(entry.path().filename().string().substr(12));  // "step-0000000" left out
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  TinyRun tiny_;
  std::string run_ = tiny_.file("run");
  std::unique_ptr<Trainer> trainer_ = tiny_trainer(tiny_config(tiny_));
};

TEST_F(RetentionTest, KeepsTheNewest) {
  Retention two(2);
  for (int i = 0; i < 4; ++i) two.apply(run_, save_next());
  EXPECT_THAT(names(), ElementsAre("3", "4"));
  Retention(1).apply(run_, run_ + "/checkpoints/step-00000004");
  EXPECT_THAT(names(), ElementsAre("4"));
}

TEST_F(RetentionTest, WhatWasJustWrittenIsReadBackBeforeAnythingGoes) {
  for (const int64_t keep : {1, 2}) {
    fs::remove_all(run_);
    Retention retention(keep);
    std::string newest;
    for (int64_t i = 0; i < keep; ++i) retention.apply(run_, save_next());
    const auto before = names();
    newest = save_next();
    damage(newest);
    const auto text = message_of<RunError>([&] { retention.apply(run_, newest); });
    EXPECT_EQ(text.rfind(newest + ": '" + newest + "/model.safetensors': expected SHA-256 ", 0), 0u)
        << text;
    EXPECT_THAT(text, HasSubstr("; set aside as " + newest + ".damaged. It was read back right"));
    auto after = before;
    after.push_back(newest.substr(newest.size() - 1) + ".damaged");
    EXPECT_EQ(names(), after);
  }
}

TEST_F(RetentionTest, DamagedOnesDoNotCountAsKept) {
  std::string newest;
  for (int i = 0; i < 4; ++i) newest = save_next();
  damage(run_ + "/checkpoints/step-00000003");
  Retention(2).apply(run_, newest);
  EXPECT_THAT(names(), ElementsAre("2", "3.damaged", "4"));
}

TEST_F(RetentionTest, AStepThatIsSavedAgainIsReadAgain) {
  Retention retention(1);
  const auto one = save_next();
  retention.apply(run_, save_next());
  EXPECT_THAT(names(), ElementsAre("2"));
  const auto again = save_checkpoint(run_, *trainer_, "the config");
  damage(again);
  fs::create_directories(one);  // so that there is something that could go
  message_of<RunError>([&] { retention.apply(run_, again); });
  EXPECT_THAT(names(), ElementsAre("1", "2.damaged"));
}

TEST_F(RetentionTest, NothingIsReadWhereNothingWouldGo) {
  const auto one = save_next();
  damage(one);
  Retention(1).apply(run_, one);
  EXPECT_THAT(names(), ElementsAre("1"));
}

}  // namespace
}  // namespace moe
