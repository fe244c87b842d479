// A rank that is gone or late is named by all others, with the operation in which it was missed, soon after
// the timeout at the latest.
#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "configs/errors.h"
#include "tests/distributed/start_rank.h"
#include "train/launch/error_file.h"
#include "train/launch/rank_record.h"
#include "train/launch/rank_watch.h"

namespace moe {
namespace {

using namespace std::chrono_literals;

constexpr double kTimeout = 4;  // a beat is a tenth of it, a warning a quarter
constexpr int kNamed = 10;  // exit code of a rank that met a RankFailure, whose text is its output

// 5 steps, each with several sums at once; in the third `mischief` happens to the rank of MOE_TEST_WHO.
template <class Mischief>
void take_steps(Mischief mischief) {
  const auto mesh = start_rank(1, kTimeout);
  for (int step = 1; step <= 5; ++step) {
    mesh.world->watch()->now_at("step " + std::to_string(step));
    if (step == 3 && mesh.rank() == std::atoi(std::getenv("MOE_TEST_WHO"))) mischief();
    std::vector<Pending> pending;
    for (int i = 0; i < 6; ++i) pending.push_back(mesh.gradients->sum(at::ones({100000}), "gradients"));
    for (auto& sum : pending) sum.wait();
  }
}

template <class Mischief>
void live(Mischief mischief) {
  try {
    take_steps(mischief);
  } catch (const RankFailure& error) {  // after the mesh's end, which must not wait for others
    std::printf("%s\n", error.what());
    std::exit(kNamed);
  }
}

std::string who(int rank) { return "MOE_TEST_WHO=" + std::to_string(rank); }

Rendezvous in_this_process() {
  Rendezvous rendezvous;
  rendezvous.store = c10::make_intrusive<c10d::HashStore>();
  rendezvous.keeper = "the test's store";
  return rendezvous;
}

// The number behind the first `words`; -1 where they are not there.
double number_after(const std::string& text, const std::string& words) {
  const auto at = text.find(words);
  return at == std::string::npos ? -1 : std::atof(text.c_str() + at + words.size());
}

// All ranks but `missing` end by themselves, and say all of `words`.
void expect_named(TestRanks& ranks, int missing, const std::vector<std::string>& words) {
  for (int r = 0; r < ranks.size(); ++r) {
    if (r == missing) continue;
    EXPECT_EQ(ranks[r].wait(25), std::optional(kNamed)) << ranks.printed();
    const auto trace = ranks[r].err().find("frame #");
    EXPECT_EQ(trace, std::string::npos) << "a stack trace is nobody's answer\n" << ranks.printed();
    const auto out = ranks[r].out();
    for (const auto& word : words) EXPECT_NE(out.find(word), std::string::npos) << word << "\n" << ranks.printed();
  }
}

TEST(RankWatch, NamesAKilledRankAndTheOperation) {
  if (in_rank()) {
    return live([] {
      std::this_thread::sleep_for(1500ms);  // several beats: it has told where it is
      ::raise(SIGKILL);
    });
  }
  TestRanks ranks(4, {who(2)});
  expect_named(ranks, 2, {"'gradients'", "step 3", "rank 2 is gone: no sign of life for", "computing at step 3",
                          "the same command resumes the run"});
  EXPECT_EQ(ranks.printed().find("rank 0 is gone"), std::string::npos) << ranks.printed();
}

TEST(RankWatch, NamesTheKilledRankThatServedTheStore) {
  if (in_rank()) return live([] { ::raise(SIGKILL); });
  TestRanks ranks(3, {who(0)});
  expect_named(ranks, 0, {"'gradients'", "rank 0, which serves the store, is gone"});
}

TEST(RankWatch, NamesAKilledRankByAFileToo) {
  if (in_rank()) return live([] { ::raise(SIGKILL); });
  const TempDir folder;
  TestRanks ranks(3, {who(0), "MOE_TEST_STORE=" + folder.file("store")});
  expect_named(ranks, 0, {"'gradients'", "rank 0 is gone: no sign of life for"});
}

TEST(RankWatch, NamesAStoppedRankWithinTheTimeout) {
  if (in_rank()) return live([] { ::raise(SIGSTOP); });
  TestRanks ranks(3, {who(1)});
  expect_named(ranks, 1, {"failed after ", "'gradients'", "rank 1 is gone: no sign of life for"});
  const auto after = number_after(ranks[0].out(), "failed after ");
  EXPECT_GT(after, kTimeout - 0.5) << ranks.printed();
  EXPECT_LT(after, 2 * kTimeout) << ranks.printed();
}

TEST(RankWatch, NamesTheStoppedRankThatServesTheStore) {
  if (in_rank()) return live([] { ::raise(SIGSTOP); });
  TestRanks ranks(3, {who(0)});
  expect_named(ranks, 0, {"'gradients'", "rank 0, which serves the store, does not answer: it is stopped or cut off"});
}

TEST(RankWatch, NamesALateRankAndWhatItDoes) {
  if (in_rank()) return live([] { std::this_thread::sleep_for(3s * kTimeout); });
  TestRanks ranks(3, {who(2)});
  expect_named(ranks, 2, {"'gradients'", "rank 2 is late: computing at step 3 for ", "raise parallel.timeout"});
  EXPECT_NE(ranks[2].wait(20), std::optional(0)) << "it finds the others gone";
  // Before that, once and by one of them.
  std::string logs;
  for (int r : {0, 1}) logs += ranks[r].err();
  const auto waiting = number_after(logs, "waiting ");
  EXPECT_GT(waiting, 0) << logs;
  EXPECT_LT(waiting, kTimeout) << logs;
  EXPECT_NE(logs.find("in 'gradients' for rank 2 (computing at step 3 for "), std::string::npos) << logs;
  EXPECT_EQ(logs.find("for rank 2 (", logs.find("for rank 2 (") + 1), std::string::npos) << logs;
}

TEST(RankWatch, NamesARankThatLeftByItself) {
  if (in_rank()) {
    try {
      live([] { throw RunError("its own trouble"); });
    } catch (const RunError&) {
    }
    return;
  }
  for (const int leaver : {0, 1}) {
    TestRanks ranks(3, {who(leaver)});
    expect_named(ranks, leaver, {"'gradients'", "rank " + std::to_string(leaver) +
                                                    " has left: what it printed last says why"});
    EXPECT_EQ(ranks[leaver].wait(1), std::optional(0)) << ranks.printed();
  }
}

TEST(RankWatch, SaysNothingWhereAllIsWell) {
  if (in_rank()) return live([] {});
  TestRanks ranks(3, {who(0)});
  expect_all_pass(ranks);
  for (int r = 0; r < 3; ++r) EXPECT_EQ(ranks[r].err(), "");
}

// With NCCL nothing fails here until the device has given up.
TEST(RankWatch, AnnouncesAGoneRankUnasked) {
  const auto rendezvous = in_this_process();
  RankRecord gone;
  gone.beat = 7;
  gone.host = "somewhere";
  gone.process = 42;
  gone.at = "step 9";
  gone.computing = 3;
  rendezvous.store->set("rank/1", gone.text());
  testing::internal::CaptureStderr();
  {
    const RanksWatched first(rendezvous, 0, 3, 1s, true), third(rendezvous, 2, 3, 1s, true);
    std::this_thread::sleep_for(1800ms);  // 18 beats
  }
  const auto log = testing::internal::GetCapturedStderr();
  const std::string said = "rank 1 is gone: no sign of life for 0.5 s from process 42 on somewhere, last seen "
                           "computing at step 9 for 3.0 s";
  const auto found = log.find(said);
  EXPECT_NE(found, std::string::npos) << log;
  EXPECT_EQ(log.find(said, found + 1), std::string::npos) << "once, and by one rank\n" << log;
}

// What it wrote last is that it waits too, for what all now wait for it in.
TEST(RankWatch, WhoStoppedWhileItWaitedIsWaitedFor) {
  const auto rendezvous = in_this_process();
  RankRecord stopped;
  stopped.beat = 7;
  stopped.waiting = {{"gradients", 0.1}};
  rendezvous.store->set("rank/0", stopped.text());
  testing::internal::CaptureStderr();
  {
    const auto all = std::make_shared<RanksWatched>(rendezvous, 1, 2, 1s, false);
    const auto watch = RanksWatched::of(all, {0, 1});
    watch->waits_for("gradients");
    std::this_thread::sleep_for(2500ms);
    watch->goes_on();
  }
  const auto log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("in 'gradients' for rank 0 (waiting in 'gradients'"), std::string::npos) << log;
}

TEST(RankRecord, ComesBackAsItWas) {
  RankRecord record;
  record.beat = 3;
  record.host = "a\nb";
  record.at = "step 1";
  record.waiting = {{"gradients", 2.5}, {"two\nlines", 0}};
  record.failed = "x";
  record.left = true;
  const auto back = RankRecord::from(record.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), record.text());
  EXPECT_EQ(back->host, "a b");
  EXPECT_TRUE(back->waits_in("two\nlines"));
  EXPECT_EQ(back->doing(), "waiting in 'gradients' at step 1 for 2.5 s");
  for (const char* bad : {"", "x", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"}) EXPECT_FALSE(RankRecord::from(bad)) << bad;
}

TEST(ErrorFile, IsInTorchrunsForm) {
  const TempDir folder;
  const auto path = folder.file("error.json");
  write_error_file(path, "RankFailure", "rank 2 is \"gone\"\n\xff");
  const auto text = read_bytes(path);
  EXPECT_EQ(text.find(R"({"message":{"message":"RankFailure: rank 2 is \"gone\"\n)"), 0u) << text;
  EXPECT_NE(text.find(R"(","extraInfo":{"py_callstack":"","timestamp":")"), std::string::npos) << text;
  write_error_file("", "RankFailure", "nothing asked for");
  write_error_file(folder.file("no/such/folder"), "RankFailure", "cannot be written, and does not throw");
}

}  // namespace
}  // namespace moe
