// A sweep through the command: runs what is missing, goes on after an interruption, and is shared by
// processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "configs/errors.h"
#include "tests/support/tiny_run.h"
#include "train/run_folder.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::vector<std::string> kRuns = {"tiny-sparse-s1", "tiny-dense-s1", "tiny-sparse-s2",
                                        "tiny-dense-s2"};

class SweepCommand : public ::testing::Test {
 protected:
  size_t rows_in(const std::string& run) {
    return lines_in(tiny_.file("runs/" + run + "/metrics.jsonl"));
  }
  bool finished(const std::string& run, int step) {
    const auto digits = std::to_string(step);
    return fs::exists(tiny_.file("runs/" + run + "/checkpoints/step-" +
                                 std::string(8 - digits.size(), '0') + digits + "/manifest.json"));
  }
  TinyRun tiny_{"sweep: {seeds: [1, 2], variants: {sparse: [], dense: [model.moe=none]}}\n"};
};

TEST_F(SweepCommand, GoesOnWhereItWasInterrupted) {
  const std::vector<std::string> arguments = {"train.steps=120"};
  {
    Process process(tiny_.command(arguments), tiny_.folder());
    ASSERT_TRUE(eventually([&] { return !process.running() || rows_in(kRuns[1]) >= 20; }));
    process.signal(SIGTERM);
    ASSERT_EQ(process.wait(60), kInterrupted) << process.err();
  }
  EXPECT_TRUE(finished(kRuns[0], 120));
  EXPECT_FALSE(finished(kRuns[1], 120));
  EXPECT_FALSE(fs::exists(tiny_.file("runs/" + kRuns[2])));
  const auto rows = read_bytes(tiny_.file("runs/" + kRuns[0] + "/metrics.jsonl"));
  const auto rest = tiny_.train(arguments);
  ASSERT_EQ(rest.code, kDone) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr(kRuns[0] + ": finished earlier"));
  EXPECT_THAT(rest.err, HasSubstr("resuming runs/" + kRuns[1] + " at step "));
  for (const auto& run : kRuns) {
    EXPECT_TRUE(finished(run, 120)) << run;
    EXPECT_EQ(rows_in(run), 121u) << run;  // and one of validation
  }
  EXPECT_EQ(read_bytes(tiny_.file("runs/" + kRuns[0] + "/metrics.jsonl")), rows);
}

TEST_F(SweepCommand, SeveralProcessesShareTheRuns) {
  const std::vector<std::string> arguments = {"train.steps=60"};
  auto third = RunLock::take(tiny_.file("runs/" + kRuns[0]));  // this process plays one of them
  Process one(tiny_.command(arguments), tiny_.folder());
  Process two(tiny_.command(arguments), tiny_.folder());
  // They train the others and then wait for the first, until its holder ends without finishing it.
  const auto waits = [&](Process& process) {
    return process.err().find(kRuns[0] + ": another process is at it") != std::string::npos;
  };
  EXPECT_TRUE(eventually([&] { return waits(one) && waits(two) && finished(kRuns[3], 60); }));
  EXPECT_EQ(rows_in(kRuns[0]), 0u);
  third.reset();
  EXPECT_EQ(one.wait(60), kDone) << one.err();
  EXPECT_EQ(two.wait(60), kDone) << two.err();
  for (const auto& run : kRuns) {
    EXPECT_TRUE(finished(run, 60)) << run;
    EXPECT_EQ(rows_in(run), 61u) << run;
  }
}

TEST_F(SweepCommand, ARunThatFailsDoesNotStopTheOthers) {
  const auto run = tiny_.train(
      {"train.steps=10",
       "sweep.variants={lost: [data.train=nothing.txt], found: []}", "sweep.seeds=[1]"});
  EXPECT_EQ(run.code, kFailed);
  EXPECT_THAT(run.err, HasSubstr("sweep: failed: tiny-lost-s1; the same command tries them again"));
  EXPECT_THAT(run.err, HasSubstr("'nothing.txt'"));
  EXPECT_TRUE(fs::exists(tiny_.file("runs/tiny-found-s1/checkpoints/step-00000010")));
  EXPECT_FALSE(fs::exists(tiny_.file("runs/tiny-lost-s1")));
}

TEST_F(SweepCommand, AWrongVariantIsSaidBeforeAnyRunBegins) {
  const auto run = tiny_.train({"sweep.variants={good: [], bad: [model.heads=3]}"});
  EXPECT_EQ(run.code, kUsage);
  EXPECT_THAT(run.err, HasSubstr("sweep variant 'bad':"));
  EXPECT_FALSE(fs::exists(tiny_.file("runs")));
}

}  // namespace
}  // namespace moe
