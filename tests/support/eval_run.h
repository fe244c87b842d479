// A trained run of a few steps to measure, and a task for it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/tiny_trainer.h"
#include "train/eval/eval.h"
#include "train/run.h"

namespace moe {

// One trained run for all tests below: context 48, so that prompts hold words.
class Eval : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    tiny_ = std::make_unique<TinyRun>("run: {name: tiny}\nobjective: {kind: ul2}\n");
    auto config = tiny_config(*tiny_, {"train.steps=5", "model.context=48", "train.batch_tokens=96"});
    config.run.dir = tiny_->file("run");
    ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
    auto sums = Json::array();
    for (int i = 0; i < 12; ++i) {
      sums.push_back({{"input", std::to_string(i) + " + 1"},
                      {"target_scores", {{std::to_string(i + 1), 1}, {"no", 0}, {"some other text", 0}}}});
    }
    const Json task = {{"metrics", Json::array({"multiple_choice_grade", "exact_str_match"})}, {"examples", sums}};
    tiny_->files().write_file("sums.json", task.dump());
  }
  static void TearDownTestSuite() { tiny_.reset(); }

  static EvalOptions small() {
    EvalOptions options;
    options.tokens = 480;
    options.items = 6;
    return options;
  }
  static Finished program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), MOE_BIN_DIR "/moe-eval");
    return run_to_end(arguments, tiny_->folder());
  }
  static std::vector<std::string> fast(std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "--tokens", "480", "--items", "4"});
    return more;
  }
  static Score score(const CheckpointScores& scores, const std::string& name) {
    for (const auto& [each, found] : scores.scores) {
      if (each == name) return found;
    }
    ADD_FAILURE() << "no score " << name;
    return {};
  }
  static inline std::unique_ptr<TinyRun> tiny_;
};

}  // namespace moe
