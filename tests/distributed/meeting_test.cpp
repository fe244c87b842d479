// How ranks find each other, and what is said when they do not.
#include "train/launch/meeting.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <torch/csrc/distributed/c10d/FileStore.hpp>

#include "configs/errors.h"
#include "tests/distributed/start_rank.h"
#include "tests/support/listening.h"

namespace moe {
namespace {

TEST(Meeting, NothingListensBeyondTheLoopback) {
  if (in_rank()) {
    const auto mesh = start_rank(2);
    auto ones = at::ones({4});
    mesh.gradients->sum(ones, "gradients").wait();
    EXPECT_EQ(listens_at(), std::set<std::string>{kLoopback}) << "127.0.0.1, and at least there";
    return;
  }
  TestRanks ranks(2);
  expect_all_pass(ranks);
}

TEST(Meeting, OneRankAloneOpensNoSocket) {
  Launch launch;
  launch.address = "host.invalid";
  const auto mesh = start_mesh(launch, {}, at::kCPU);
  EXPECT_TRUE(mesh.alone());
  EXPECT_EQ(listens_at(), std::set<std::string>{});
}

// torchrun restarts ranks while its store stays, as does a file after a crash.
TEST(Meeting, AnotherAttemptMeetsInTheSameStore) {
  if (in_rank()) {
    const auto mesh = start_rank();
    auto ones = at::ones({4});
    mesh.world->sum(ones, "ones").wait();
    EXPECT_EQ(ones[0].item<double>(), static_cast<double>(mesh.ranks()));
    if (std::getenv("MOE_TEST_CRASH")) ::_exit(0);  // the file stays
    return;
  }
  const TempDir folder;
  const auto store = "MOE_TEST_STORE=" + folder.file("store");
  for (const int size : {3, 2, 3}) {
    TestRanks crashed(size, {store, "MOE_TEST_CRASH=1"});
    expect_all_pass(crashed);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"store"});
  }
  TestRanks again(2, {store});
  expect_all_pass(again);
}

void expect_refused(const std::string& expected) {
  EXPECT_EQ(message_of<RankFailure>([] { start_rank(1, 2); }), expected);
}

TEST(Meeting, ARankThatNeverStartsIsNamed) {
  if (in_rank()) return expect_refused("rank 1 of 3 has not come within 2 s: was it started?");
  TestRanks ranks(3, {}, {1});
  const auto codes = ranks.wait(20);
  EXPECT_EQ(codes, (std::vector<int>{0, -1, 0})) << ranks.printed();
}

TEST(Meeting, AllThatNeverStartAreNamed) {
  if (in_rank()) return expect_refused("ranks 2, 3 of 4 have not come within 2 s: were they started?");
  const TempDir folder;
  TestRanks ranks(4, {"MOE_TEST_STORE=" + folder.file("store")}, {2, 3});
  const auto codes = ranks.wait(20);
  EXPECT_EQ(codes, (std::vector<int>{0, 0, -1, -1})) << ranks.printed();
}

TEST(Meeting, RankZeroThatNeverStartsIsNamed) {
  if (in_rank()) {
    if (std::getenv("MOE_TEST_STORE")) {
      return expect_refused("rank 0 of 2 has not come within 2 s: was it started?");
    }
    const auto port = std::string(std::getenv("MASTER_PORT"));
    const auto said = message_of<RankFailure>([] { start_rank(1, 2); });
    EXPECT_EQ(said.find("rendezvous: rank 0, which serves the store, has not answered at 127.0.0.1:" + port +
                        " within 2 s: was it started, and is MASTER_ADDR its machine? (c10d: "),
              0u)
        << said;
    return;
  }
  const TempDir folder;
  TestRanks by_address(2, {}, {0}), by_file(2, {"MOE_TEST_STORE=" + folder.file("store")}, {0});
  EXPECT_EQ(by_address.wait(20), (std::vector<int>{-1, 0})) << by_address.printed();
  EXPECT_EQ(by_file.wait(20), (std::vector<int>{-1, 0})) << by_file.printed();
}

// A file that a crash left is no rank 0.
TEST(Meeting, FormerRanksAreNotTakenForPresentOnes) {
  const TempDir folder;
  const c10::intrusive_ptr<c10d::Store> former = c10::make_intrusive<c10d::FileStore>(folder.file("store"), 2);
  former->set("come/0", "1-1");
  former->set("list", "7-7\n1-1\n2-2\n");
  former->set("seen/0", "7-7");
  former->set("seen/1", "7-7");
  former->set("go", "7-7");
  former->set("without/7-7", "a former reason");
  const auto store = c10::make_intrusive<c10d::FileStore>(folder.file("store"), 2);
  EXPECT_EQ(message_of<RankFailure>([&] { meet(*store, 1, 2, std::chrono::milliseconds(300)); }),
            "rank 0 of 2 has not come within 0.3 s: was it started?");
}

TEST(Meeting, TwoProcessesOfOneRankAreNoticed) {
  const TempDir folder;
  std::vector<std::thread> threads;
  std::vector<std::string> said(3);
  for (const int64_t i : {0, 1, 2}) {
    threads.emplace_back([&folder, &said, i] {
      const auto store = c10::make_intrusive<c10d::FileStore>(folder.file("store"), 3);
      try {
        meet(*store, i == 2 ? 1 : i, 3, std::chrono::milliseconds(500));
      } catch (const RankFailure& error) {
        said[static_cast<size_t>(i)] = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto text = said[0] + "\n" + said[1] + "\n" + said[2];
  const std::string expected = "rank 1 of 3 was started twice: give every process a rank of its own";
  EXPECT_NE(text.find(expected), std::string::npos) << text;
}

TEST(Meeting, ATakenPortIsNamed) {
  Launch launch;
  launch.ranks = launch.local_ranks = 2;
  const HeldPort taken;
  launch.port = taken.number();
  ASSERT_EQ(::listen(taken.descriptor(), 1), 0);
  EXPECT_EQ(message_of<RunError>([&] { start_mesh(launch, {}, at::kCPU); }),
            "rendezvous: rank 0 cannot listen on 127.0.0.1:" + std::to_string(launch.port) +
                ": Address already in use; start all ranks with another MASTER_PORT (torchrun --master-port), or "
                "with parallel.store");
}

TEST(Meeting, RefusesLayoutsAndBackendsThatCannotBe) {
  Launch launch;
  launch.source = "torchrun";
  launch.ranks = 4;
  ParallelConfig config;
  config.expert = 3;
  EXPECT_EQ(message_of<ConfigError>([&] { start_mesh(launch, config, at::kCPU); }),
            "parallel.expert: expected a divisor of the 4 ranks (started by: torchrun), found 3: start a multiple of 3 "
            "ranks, for instance by torchrun --no-python --nproc-per-node=3, or lower it");
  config.expert = 1;
  config.backend = "nccl";
  EXPECT_EQ(message_of<ConfigError>([&] { start_mesh(launch, config, at::kCPU); }),
            "parallel.backend: expected gloo or auto for tensors on cpu, found nccl, which is for GPUs");
  config.backend = "auto";
  config.store = "/no/such/folder/store";
  EXPECT_EQ(message_of<ConfigError>([&] { start_mesh(launch, config, at::kCPU); }),
            "parallel.store: expected a file in a folder that exists, found '/no/such/folder/store': name one on a "
            "file system that all ranks share");
}

}  // namespace
}  // namespace moe
