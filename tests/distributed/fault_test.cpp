// Ranks of moe-train that are killed, stopped, slow or never started: the others end soon and say for whom and
// in which operation, and the same command ends the run as if nothing had happened.
#include <sys/wait.h>

#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Layout kFour{4, 2, true};

class RankFaults : public TinyRanks {
 protected:
  // A step takes milliseconds and is saved: a good part of a run's time goes into saving.
  static Words saving(int steps) {
    return {"train.steps=" + std::to_string(steps), "checkpoint.every=1", "checkpoint.keep=2"};
  }

  // That all but `gone` end with exit code 1 in time, and name it and the operation that they were in.
  void expect_noticed(Ranks& ranks, int gone, const testing::Matcher<std::string>& says) {
    const auto since = std::chrono::steady_clock::now();
    for (int r = 0; r < ranks.size(); ++r) {
      if (r == gone) continue;
      const std::chrono::duration<double> so_far = std::chrono::steady_clock::now() - since;
      EXPECT_EQ(ranks[r].wait(kNoticed - so_far.count()), std::optional<int>(kFailed))
          << "rank " << r << "\n" << ranks.printed();
      EXPECT_THAT(ranks[r].err(), AllOf(HasSubstr("rank " + std::to_string(r) + " failed"), HasSubstr(" in '"),
                                        HasSubstr("the same command resumes the run"), says));
    }
  }
  void kill_and_expect_noticed(Ranks& ranks, int rank) {
    ranks[rank].signal(SIGKILL);
    EXPECT_EQ(ranks[rank].wait(kHang), 128 + SIGKILL) << "it had ended before\n" << ranks.printed();
    expect_noticed(ranks, rank,
                   rank == 0 ? HasSubstr("rank 0, which serves the store, is gone")
                             : HasSubstr("rank " + std::to_string(rank) + " is gone: no sign of life"));
  }

  static constexpr const char* kSaving = "/checkpoints/.saving";
  // Stops the rank while `file` of a checkpoint is there and `missing` is not, which the rank is still to write, so
  // that the checkpoint cannot be finished without it.
  bool stop_while_saving(Ranks& ranks, int rank, const std::string& file, const std::string& missing) const {
    return eventually([&] {
      if (!fs::exists(tiny_.file(file))) return false;
      ranks[rank].signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      if (fs::exists(tiny_.file(file)) && (missing.empty() || !fs::exists(tiny_.file(missing)))) return true;
      ranks[rank].signal(SIGCONT);
      return false;
    });
  }
};

TEST_F(RankFaults, AKilledRankIsNamedByAllOthersAndTheSameCommandGoesOn) {
  constexpr int kSteps = 40;
  const auto words = saving(kSteps) + timeout(kTimeout);
  train(kFour, "whole", words);
  for (const int rank : {2, 0, 3}) {
    const auto before = rows_so_far("run");
    const auto ranks = start(kFour, "run", words);
    ASSERT_TRUE(rows_change(*ranks, "run", before, 5)) << ranks->printed();
    kill_and_expect_noticed(*ranks, rank);
    EXPECT_THAT(saved_steps("run"), Not(IsEmpty())) << "nothing that was saved is lost";
  }
  EXPECT_THAT(train(kFour, "run", words), HasSubstr("resuming run at step "));
  expect_same_end("run", "whole", kSteps);
}

TEST_F(RankFaults, KilledWhileACheckpointIsWrittenTheOneBeforeIsTheNewest) {
  constexpr int kSteps = 40;
  const auto words = saving(kSteps) + timeout(kTimeout);
  train(kFour, "whole", words);
  // One that has begun to write, and the first one, which commits what all have written.
  struct Moment {
    int rank;
    std::string file, missing;
  };
  for (const auto& [rank, file, missing] :
       {Moment{1, "", "/optimizer-00002-of-00004.safetensors"}, Moment{0, "/state.json", ""}}) {
    const auto before = rows_so_far("run");
    const auto ranks = start(kFour, "run", words);
    ASSERT_TRUE(rows_change(*ranks, "run", before, 5)) << ranks->printed();
    const auto in_save = [](const std::string& name) { return std::string("run") + kSaving + name; };
    ASSERT_TRUE(stop_while_saving(*ranks, rank, in_save(file), missing.empty() ? "" : in_save(missing)))
        << ranks->printed();
    const auto steps = saved_steps("run");
    kill_and_expect_noticed(*ranks, rank);
    EXPECT_EQ(saved_steps("run"), steps) << "what was not whole was taken for a checkpoint";
  }
  train(kFour, "run", words);
  EXPECT_FALSE(fs::exists(tiny_.file(std::string("run") + kSaving)));
  expect_same_end("run", "whole", kSteps);
}

// The ranks that meet in a file have no first one among them that serves it.
TEST_F(RankFaults, TheFirstOfRanksThatMeetInAFileIsNamedToo) {
  const Layout two{2, 1};
  const auto ranks = start(two, "run", saving(100000) + timeout(kTimeout) + Words{"parallel.store=store"});
  ASSERT_TRUE(rows_change(*ranks, "run", 0, 3)) << ranks->printed();
  ranks->operator[](0).signal(SIGKILL);
  expect_noticed(*ranks, 0, HasSubstr("rank 0 is gone: no sign of life"));
  EXPECT_THAT(train(two, "run", {"train.steps=" + std::to_string(rows_so_far("run") + 3), "parallel.store=store"}),
              HasSubstr("resuming run at step "));
}

TEST_F(RankFaults, ASignalToOneRankOrToAllSavesOnAllAtOneStep) {
  constexpr int kSteps = 40;
  const Words words = {"train.steps=" + std::to_string(kSteps)};  // saved when interrupted, and at the end
  train(kFour, "whole", words);
  const std::vector<std::pair<int, std::vector<int>>> signals = {
      {SIGTERM, {2}}, {SIGINT, {0}}, {SIGTERM, {0, 1, 2, 3}}};
  for (const auto& [number, whom] : signals) {
    const auto before = rows_so_far("run");
    const auto ranks = start(kFour, "run", words);
    ASSERT_TRUE(rows_change(*ranks, "run", before, 5)) << ranks->printed();
    for (const int rank : whom) (*ranks)[rank].signal(number);
    expect_all(*ranks, kInterrupted);
    const auto text = ranks->printed();
    EXPECT_EQ(count_of(text, "interrupted and saved; the same command goes on"), 1u) << text;
    const auto steps = saved_steps("run");
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(tiny_.rows("run").back()["step"], steps.front());
    EXPECT_EQ(parts("run", steps.front()).size(), 8u) << "a part of model and moments from every rank";
  }
  train(kFour, "run", words);
  expect_same_end("run", "whole", kSteps);
}

TEST_F(RankFaults, AShortStopIsReportedAndSurvived) {
  constexpr int kSteps = 30;
  const Words words = saving(kSteps) + timeout(6);
  train({3, 1}, "whole", words);
  for (const int stopped : {1, 0}) {
    const auto run = "run" + std::to_string(stopped), name = "rank " + std::to_string(stopped);
    // A store that the stopped one serves tells nobody of anybody; a file does.
    const auto ranks = start({3, 1}, run, words + Words{"parallel.store=store"});
    ASSERT_TRUE(rows_change(*ranks, run, 0, 3)) << ranks->printed();
    (*ranks)[stopped].signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(3500));
    const auto waiting = ranks->printed();
    (*ranks)[stopped].signal(SIGCONT);
    expect_all(*ranks, kDone);
    EXPECT_THAT(waiting, ContainsRegex(" waiting [0-9.]+ s in '[^']+' for [^\n]*" + name + " \\("));
    EXPECT_LE(count_of(waiting, " waiting "), 4u) << "once for each operation, not once a second\n" << waiting;
    expect_same_end(run, "whole", kSteps);
  }
}

TEST_F(RankFaults, AStopForGoodEndsTheOthersAndLaterItself) {
  // Between two saves: one that is stopped while files are written is waited for as long as disks may take.
  const Words seldom = {"train.steps=100000", "checkpoint.every=150", "checkpoint.keep=2"};
  for (const int stopped : {1, 0}) {
    const auto run = "run" + std::to_string(stopped), name = "rank " + std::to_string(stopped);
    const auto ranks = start({3, 1}, run, seldom + timeout(kTimeout));
    ASSERT_TRUE(rows_change(*ranks, run, 0, 200)) << ranks->printed();
    ASSERT_TRUE(eventually([&] { return !saved_steps(run).empty(); })) << ranks->printed();
    (*ranks)[stopped].signal(SIGSTOP);
    expect_noticed(*ranks, stopped,
                   stopped == 0 ? HasSubstr("rank 0, which serves the store, does not answer")
                                : HasSubstr(name + " is gone: no sign of life"));
    if (stopped != 0) {
      // Also where the last that it wrote is that it waits in the same operation.
      EXPECT_THAT(ranks->printed(), ContainsRegex("waiting [0-9.]+ s in '[^']+' for [^\n]*" + name + " \\("))
          << "said before the timeout";
    }
    (*ranks)[stopped].signal(SIGCONT);
    EXPECT_EQ((*ranks)[stopped].wait(kNoticed), std::optional<int>(kFailed)) << "it finds the others gone";
    EXPECT_THAT(saved_steps(run), Not(IsEmpty()));
  }
}

TEST_F(RankFaults, ARankThatNeverStartsIsNamedAndNothingIsWritten) {
  const auto before = tiny_.files().names();
  for (const int missing : {1, 0}) {
    const auto ranks = start({3, 1}, "run", timeout(4), {missing});
    auto codes = std::vector<int>{kFailed, kFailed, kFailed};
    codes[static_cast<size_t>(missing)] = -1;
    EXPECT_EQ(ranks->wait(2 * 4 + 8), codes) << ranks->printed();  // c10d tries a second time to reach a store
    for (const int r : {0, 1, 2}) {
      if (r == missing) continue;
      EXPECT_THAT((*ranks)[r].err(), missing == 0 ? HasSubstr("rank 0, which serves the store, has not answered")
                                                  : HasSubstr("rank 1 of 3 has not come within 4 s: was it started?"));
    }
    EXPECT_EQ(tiny_.files().names(), before);
  }
}

}  // namespace
}  // namespace moe
