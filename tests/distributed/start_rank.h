// The mesh of a test's rank (TestRanks), as its variables say.
#pragma once

#include "tests/support/ranks.h"
#include "train/launch/start_mesh.h"

namespace moe {

// Waits at most `timeout` seconds. MOE_TEST_STORE: a file to meet at; else at the address.
inline Mesh start_rank(int64_t expert = 1, double timeout = 20) {
  at::set_num_threads(1);
  ParallelConfig config;
  config.expert = expert;
  config.timeout = timeout;
  if (const char* store = std::getenv("MOE_TEST_STORE")) config.store = store;
  return start_mesh(read_launch(config.store), config, at::kCPU);
}

inline void expect_all_pass(TestRanks& ranks) {
  EXPECT_EQ(ranks.wait(60), std::vector<int>(static_cast<size_t>(ranks.size()), 0)) << ranks.printed();
}

}  // namespace moe
