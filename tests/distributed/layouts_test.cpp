// One run on changing numbers of ranks, and several launches in one place.
#include "tests/support/listening.h"
#include "tests/support/tiny_ranks.h"

namespace moe {
namespace {

using ::testing::HasSubstr;

class RunOnRanks : public TinyRanks {};

TEST_F(RunOnRanks, GoesOnWithFewerAndMoreRanksAsTheSameRun) {
  // In float64, where another order of adding up shows in the last digits alone. Every start goes on to a later
  // train.steps, of which a constant learning rate knows nothing.
  const Words words = {"train.dtype=fp64", "schedule.kind=constant", "train.accumulate=2", "optimizer.clip=0.5"};
  const std::vector<Layout> layouts = {{2, 2}, {4, 4, true}, {1}, {4, 1, true}, {2, 1}, {4, 2, true}, {2, 2, true}};
  int steps = 0;
  for (const auto& layout : layouts) {
    SCOPED_TRACE(layout.text());
    const auto printed = train(layout, "run", words + Words{"train.steps=" + std::to_string(steps + 4)});
    EXPECT_EQ(count_of(printed, "resuming run at step " + std::to_string(steps)), steps > 0 ? 1u : 0u) << printed;
    EXPECT_EQ(count_of(printed, "run: run\n"), 1u) << "stdout, once\n" << printed;
    steps += 4;
    EXPECT_EQ(saved_steps("run").front(), steps);
    EXPECT_EQ(parts("run", steps).size(), 2 * static_cast<size_t>(layout.ranks));
  }
  train({1}, "whole", words + Words{"train.steps=" + std::to_string(steps)});
  auto mine = tiny_.rows("run"), expected = tiny_.rows("whole");
  const auto is_valid = [](const Json& row) { return row["split"] != "train"; };  // each start ends with one
  std::erase_if(mine, is_valid);
  std::erase_if(expected, is_valid);
  ASSERT_EQ(mine.size(), static_cast<size_t>(steps));
  ASSERT_EQ(expected.size(), mine.size());
  for (size_t i = 0; i < mine.size(); ++i) {
    for (const char* exact : {"step", "tokens", "target_tokens", "flops", "lr"}) {
      EXPECT_EQ(mine[i][exact], expected[i][exact]) << exact << " of row " << i;
    }
    for (const char* close : {"loss", "grad_norm"}) {
      const double a = mine[i][close], b = expected[i][close];
      EXPECT_NEAR(a, b, 1e-9 * std::abs(b)) << close << " of row " << i;
    }
  }
}

TEST_F(RunOnRanks, ASecondLaunchIsRefusedOnAllItsRanksAndTheFirstGoesOn) {
  const Words words = {"train.steps=1000000", "checkpoint.every=5"};
  const auto first = start({2, 2}, "run", words);
  ASSERT_TRUE(rows_change(*first, "run", 0, 3)) << first->printed();
  for (const int ranks : {2, 1}) {
    const auto printed = train({ranks}, "run", words, kUsage);
    EXPECT_EQ(count_of(printed, "run: another process is training this run: wait for it, or choose another run.name\n"),
              1u) << printed;
    EXPECT_EQ(count_of(printed, "run: run\n"), 0u) << printed;
  }
  ASSERT_TRUE(rows_change(*first, "run", rows_so_far("run"), 3)) << first->printed();
  for (const int r : {0, 1}) {
    EXPECT_EQ(listens_at((*first)[r].id()), std::set<std::string>{kLoopback}) << "127.0.0.1, and at least there";
  }
  (*first)[1].signal(SIGTERM);
  expect_all(*first, kInterrupted);
}

TEST_F(RunOnRanks, ASweepEndsWhereOneOfItsRunsFails) {
  tiny_.files().write_file("sweep.yaml", std::string(kTinyConfig) +
                                             "sweep:\n"
                                             "  seeds: [1, 2]\n"
                                             "  variants: {plain: [], lost: [data.train=nothing.txt]}\n");
  auto command = tiny_.command({"run.dir=all", "train.steps=3", "parallel.expert=2", "log.tensorboard=false"});
  command[1] = "sweep.yaml";
  for (const int attempt : {1, 2}) {
    Ranks ranks(2, command, tiny_.folder());
    expect_all(ranks, kFailed);
    const auto printed = ranks.printed();
    EXPECT_EQ(count_of(printed, "sweep: failed: sweep-lost-s1 sweep-lost-s2; the same command tries them again\n"), 1u)
        << printed;
    EXPECT_EQ(count_of(printed, ": finished earlier"), attempt == 1 ? 0u : 2u) << printed;
    for (const char* name : {"all/sweep-plain-s1", "all/sweep-plain-s2"}) EXPECT_EQ(tiny_.rows(name).back()["step"], 3);
  }
}

}  // namespace
}  // namespace moe
