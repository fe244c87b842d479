// Disks that fill up under many ranks, and checkpoints of which one rank's part is damaged or missing: one
// decision for all, said once.
#include <sys/resource.h>

#include <csignal>

#include "tests/support/small_disk.h"
#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Layout kTwo{2, 2};

// No file of `process` may grow beyond `bytes` from now on: a disk that fails in the middle, under one rank.
void limit_files(Process& process, rlim_t bytes) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(process.id(), RLIMIT_FSIZE, nullptr, &limit), 0);
  limit.rlim_cur = bytes;
  ASSERT_EQ(::prlimit(process.id(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

class RanksDisk : public TinyRanks {
 protected:
  // Programs inherit that a write beyond the limit is an error of theirs and not their end.
  RanksDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {}
  ~RanksDisk() override { std::signal(SIGXFSZ, handler_); }

 private:
  void (*handler_)(int);
};

TEST_F(RanksDisk, ASaveThatDoesNotFitIsNotBegunAndAllGoOn) {
  const SmallDisk disk(tiny_.file("disk"), 8);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  const auto ranks = start(kTwo, "disk/run", {"train.steps=1000000", "checkpoint.every=20", "checkpoint.keep=1",
                                              "log.every=1000"});
  ASSERT_TRUE(eventually([&] { return !saved_steps("disk/run").empty() || !(*ranks)[0].running(); }));
  disk.fill(1 << 20);
  const std::string refusal = "of free disk space for it, found 1.05 MB, so it was not begun; free some space there. "
                              "Earlier checkpoints are untouched; training goes on and saves again at step ";
  ASSERT_TRUE(eventually([&] { return count_of((*ranks)[0].err(), refusal) >= 2; })) << ranks->printed();
  EXPECT_EQ(count_of((*ranks)[1].err(), refusal), 0u) << "said once";
  const auto before = saved_steps("disk/run");
  ASSERT_EQ(before.size(), 1u);
  disk.make_room();
  ASSERT_TRUE(eventually([&] {
    const auto all = list_checkpoints(tiny_.file("disk/run"));
    return !all.empty() && all.front().first > before.front() + 20;
  })) << ranks->printed();
  (*ranks)[1].signal(SIGTERM);
  expect_all(*ranks, kInterrupted);
}

TEST_F(RanksDisk, ASaveThatFailsOnOneRankFailsOnAllAndTrainingGoesOn) {
  constexpr int kSteps = 80;
  const Words words = {"train.steps=" + std::to_string(kSteps), "checkpoint.every=10"};
  train(kTwo, "whole", words);
  for (const int failing : {1, 0}) {
    const auto run = "run" + std::to_string(failing);
    const auto ranks = start(kTwo, run, words);
    ASSERT_TRUE(eventually([&] { return !saved_steps(run).empty() || !(*ranks)[0].running(); }));
    auto& process = (*ranks)[failing];
    limit_files(process, 20'000);  // below a rank's part, and rank 0's rows
    if (failing == 0) {
      expect_all(*ranks, kFailed);  // it writes the rows as well, without which no run goes on
      EXPECT_EQ(count_of(ranks->printed(), "The run stops here; its newest good checkpoint is that of step "), 1u)
          << ranks->printed();
    } else {
      const std::string refusal = "rank 1: ";
      ASSERT_TRUE(eventually([&] { return count_of((*ranks)[0].err(), "File too large") >= 2; })) << ranks->printed();
      EXPECT_THAT((*ranks)[0].err(), HasSubstr("cannot be written: File too large. Earlier checkpoints are untouched; "
                                               "training goes on and saves again at step "));
      EXPECT_EQ((*ranks)[1].err(), "") << "said once";
      limit_files(process, RLIM_INFINITY);
      expect_all(*ranks, kDone);
      EXPECT_FALSE(fs::exists(tiny_.file(run + "/checkpoints/.saving")));
    }
    if (failing == 0) train(kTwo, run, words);
    expect_same_end(run, "whole", kSteps);
  }
}

class RanksCheckpoint : public TinyRanks {
 protected:
  static Words steps(int n) {
    return {"train.steps=" + std::to_string(n), "schedule.kind=constant", "checkpoint.every=3"};
  }
  std::string part(int64_t step, const std::string& name) const { return checkpoint("run", step) + "/" + name; }
  // It is said once that it is set aside, and the run goes on from `from` to the end.
  void expect_passed_over(const Layout& layout, int64_t damaged, int64_t from, int to, const std::string& file) {
    const auto printed = train(layout, "run", steps(to));
    EXPECT_EQ(count_of(printed, "; set aside as " + checkpoint_folder("run", damaged) + ".damaged\n"), 1u) << printed;
    EXPECT_THAT(printed, HasSubstr(file));
    EXPECT_EQ(count_of(printed, "resuming run at step " + std::to_string(from)), 1u) << printed;
  }
};

TEST_F(RanksCheckpoint, WithADamagedOrMissingPartIsSetAsideByAll) {
  const Layout layout{2, 2, true};
  train(layout, "run", steps(6));
  flip_byte(part(6, "model-00002-of-00002.safetensors"));
  expect_passed_over(layout, 6, 3, 9, "model-00002-of-00002.safetensors': expected SHA-256");
  fs::remove(part(9, "optimizer-00001-of-00002.safetensors"));
  expect_passed_over(layout, 9, 6, 12, "optimizer-00001-of-00002.safetensors");
  // Of other ranks than those that wrote it.
  fs::resize_file(part(12, "optimizer-00002-of-00002.safetensors"), 100);
  train({1}, "one", {"train.steps=1"});  // nothing to do with it
  expect_passed_over(layout, 12, 9, 15, "optimizer-00002-of-00002.safetensors");
  train(layout, "whole", steps(15));
  const auto is_valid = [](const Json& row) { return row["split"] != "train"; };
  auto mine = repeatable(tiny_.rows("run")), expected = repeatable(tiny_.rows("whole"));
  std::erase_if(mine, is_valid);
  std::erase_if(expected, is_valid);
  EXPECT_EQ(mine, expected);
  EXPECT_EQ(parts("run", 15), parts("whole", 15));
}

TEST_F(RanksCheckpoint, WithNoneGoodAllRanksSayNoAndNothingIsMoved) {
  train(kTwo, "run", steps(6));
  flip_byte(part(6, "model-00002-of-00002.safetensors"));
  fs::remove(part(3, "model-00001-of-00002.safetensors"));
  for (const auto& layout : {kTwo, Layout{4, 1, true}}) {
    const auto printed = train(layout, "run", steps(9), kCheckFailed);
    EXPECT_EQ(count_of(printed, "run: no checkpoint is good:\n  "), 1u) << printed;
    EXPECT_TRUE(fs::exists(checkpoint("run", 6)) && fs::exists(checkpoint("run", 3)));
  }
}

}  // namespace
}  // namespace moe
