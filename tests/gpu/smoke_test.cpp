// The smallest proof that the CUDA flavour works: a kernel of our own, and an all-reduce of NCCL.
// Without a device both are skipped with the reason, so that the build is still tested everywhere.
#include <gtest/gtest.h>

#include <numeric>

#include "tests/gpu/device.h"

namespace moe::gpu {
namespace {

class GpuSmoke : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_device();
    if (!reason.empty()) GTEST_SKIP() << "needs a GPU: " << reason;
  }
};

TEST_F(GpuSmoke, KernelComputesWhatTheHostComputes) {
  constexpr size_t kSize = 1000;  // not a multiple of the block: the last one is partly idle
  std::vector<float> x(kSize), y(kSize);
  std::iota(x.begin(), x.end(), 1.0f);
  std::iota(y.begin(), y.end(), -500.0f);
  const std::vector<float> result = saxpy(0.5f, x, y);
  ASSERT_EQ(result.size(), kSize);
  for (size_t i = 0; i < kSize; ++i) EXPECT_FLOAT_EQ(result[i], 0.5f * x[i] + y[i]) << "at " << i;
}

TEST_F(GpuSmoke, AllReduceOfOneRankReturnsItsInput) {
  const std::vector<float> values = {1.0f, -2.5f, 0.0f, 3e30f};
  EXPECT_EQ(all_reduce_of_one_rank(values), values);
}

}  // namespace
}  // namespace moe::gpu
