// configs/gates/: one config for every gate kind, named by it, and each one trains.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/tiny_trainer.h"
#include "train/run.h"

namespace moe {
namespace {

const char* const kFolder = MOE_SOURCE_DIR "/configs/gates";

std::string config_path(const std::string& kind) {
  return std::string(kFolder) + "/" + kind + ".yaml";
}

std::vector<std::string> kinds() {
  std::vector<std::string> names;
  for (const auto& kind : gate_kinds()) {
    names.push_back(kind.name);
  }
  return names;
}

TEST(GateConfigs, AreOneForEveryKind) {
  std::set<std::string> files, expected;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    files.insert(entry.path().filename());
  }
  for (const auto& kind : kinds()) {
    expected.insert(kind + ".yaml");
  }
  for (const auto& file : expected) {
    EXPECT_TRUE(files.count(file)) << "missing: configs/gates/" << file;
  }
  for (const auto& file : files) {
    EXPECT_TRUE(expected.count(file)) << "no gate has this name: configs/gates/" << file;
  }
}

class GateConfigFile : public testing::TestWithParam<std::string> {};

// As a user starts it, but for the model's size, the text and the number of steps. 48 is divisible by
// the k of every gate.
TEST_P(GateConfigFile, TrainsItsOwnKind) {
  const TinyRun tiny;
  const auto config = load_config<RunConfig>(
      config_path(GetParam()),
      {"data.train=" + tiny.file("text.txt"), "run.dir=" + tiny.file("run"), "run.name=tiny",
       "model.d_model=16", "model.heads=2", "model.context=16", "model.active_width=48",
       "train.steps=3", "train.batch_tokens=64", "train.eval_every=3", "train.eval_tokens=64",
       "train.threads=1", "checkpoint.every=0", "log.every=1"});
  EXPECT_EQ(config.model.moe->gate.kind, GetParam());

  ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
  const auto rows = tiny.rows("run");
  int64_t validated = 0;
  for (const auto& row : rows) {
    EXPECT_TRUE(row.at("loss").is_number()) << row;  // null where it is not finite
    validated += row.at("split") == "valid";
  }
  EXPECT_EQ(rows.back().at("step"), 3);
  EXPECT_GT(validated, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GateConfigFile, testing::ValuesIn(kinds()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace moe
