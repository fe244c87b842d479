// A run to begin with, and what to begin from it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"
#include "train/init.h"

namespace moe {

constexpr int64_t kInitVocabulary = 512;

class InitTest : public ::testing::Test {
 protected:
  // A run in folder `there` of twelve steps, and its checkpoint.
  void begin(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"run.dir=there", "train.steps=12"};
    all.insert(all.end(), more.begin(), more.end());
    const auto run = tiny_.train(all);
    ASSERT_EQ(run.code, kDone) << run.err;
  }
  std::string checkpoint() const { return tiny_.file("there/checkpoints/step-00000012"); }
  RunConfig config(std::vector<std::string> more = {}) const {
    more.push_back("init.from=" + tiny_.file("there"));
    return tiny_config(tiny_, more);
  }
  std::unique_ptr<Trainer> begun(const RunConfig& config) const {
    auto trainer = tiny_trainer(config);
    load_init(plan_init(config, kInitVocabulary), *trainer);
    return trainer;
  }
  // What the message says after the checkpoint's path.
  std::string refusal(const std::vector<std::string>& more) const {
    const auto text = message_of<ConfigError>([&] { plan_init(config(more), kInitVocabulary); });
    const std::string begin = "init.from: " + checkpoint() + " ";
    EXPECT_THAT(text, ::testing::StartsWith(begin));
    return text.substr(std::min(text.size(), begin.size()));
  }
  // moe-train in the folder, in run folder `here`.
  Finished train(std::vector<std::string> more) const {
    more.insert(more.end(), {"init.from=there", "run.dir=here", "train.steps=4"});
    return tiny_.train(more);
  }
  TinyRun tiny_;
};

}  // namespace moe
