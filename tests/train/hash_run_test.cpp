// A hash gate's file of frequencies: needed to begin a run and found missing before anything is
// written; not needed by what reads a checkpoint, which holds the table.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/tiny_run.h"

namespace moe {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kBalanced = {
    "run.dir=run", "train.steps=4", "model.moe.gate.kind=hash", "model.moe.gate.table=balanced",
    "model.moe.gate.frequencies=counts.txt"};

std::vector<std::string> and_also(std::vector<std::string> arguments, const std::string& more) {
  arguments.push_back(more);
  return arguments;
}

TEST(HashRun, AMissingOrBrokenFileEndsItBeforeAnythingIsWritten) {
  const TinyRun tiny;
  for (const std::string more : {"--dry-run", "log.every=2"}) {
    const auto missing = tiny.train(and_also(kBalanced, more));
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.err, HasSubstr("gate.frequencies: 'counts.txt': expected a text file of "
                                       "lines 'ID COUNT'"));
    EXPECT_FALSE(std::filesystem::exists(tiny.file("run")));
  }
  tiny.files().write_file("counts.txt", "32 10\n101 many\n");
  const auto broken = tiny.train(kBalanced);
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.err, HasSubstr("counts.txt:2: expected 'ID COUNT'"));
  EXPECT_FALSE(std::filesystem::exists(tiny.file("run")));
}

TEST(HashRun, ACheckpointHoldsTheTable) {
  const TinyRun tiny;
  tiny.files().write_file("counts.txt", "32 10\n101 9\n116 8\n97 7\n");
  const auto run = tiny.train(kBalanced);
  ASSERT_EQ(run.code, 0) << run.err;
  const auto sample = [&] {
    return run_to_end({MOE_BIN_DIR "/moe-generate", "run", "--prompt", "the gate", "--tokens", "8"},
                      tiny.folder());
  };
  const auto before = sample();
  ASSERT_EQ(before.code, 0) << before.err;
  std::filesystem::remove(tiny.file("counts.txt"));
  const auto after = sample();
  EXPECT_EQ(after.code, 0) << after.err;
  EXPECT_EQ(after.out, before.out);
  const auto diagnosed = run_to_end({MOE_BIN_DIR "/moe-diagnose", "run", "--tokens", "64"}, tiny.folder());
  EXPECT_EQ(diagnosed.code, 0) << diagnosed.err;
  const auto compared = run_to_end({MOE_BIN_DIR "/moe-compare", "run"}, tiny.folder());
  EXPECT_EQ(compared.code, 0) << compared.err;
}

}  // namespace
}  // namespace moe
