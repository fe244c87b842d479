// Ranks that are threads end, whatever one of them does.
#include "tests/support/thread_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(ThreadRanks, SumAndScanInTheOrderOfRanksWithEveryRanksOwnGradient) {
  run_ranks(3, [](const RankScope& ranks, int64_t rank) {
    const auto mine = at::full({2}, static_cast<double>(1 << rank), at::kDouble).requires_grad_(true);
    for (int64_t round = 1; round <= 20; ++round) {
      const auto sum = ranks.sum(mine * round);
      TORCH_CHECK(sum[0].item<double>() == 7.0 * static_cast<double>(round));
      TORCH_CHECK(ranks.exclusive_scan(longs({round}))[0].item<int64_t>() == rank * round);
    }
    const auto gradient = torch::autograd::grad({(ranks.sum(mine) * 3).sum()}, {mine});
    TORCH_CHECK(gradient[0][0].item<double>() == 3);
  });
}

TEST(ThreadRanks, AnErrorOfOneEndsAllAndIsTheOneThatIsThrown) {
  const auto wait_for_the_second = [](const RankScope& ranks, int64_t rank) {
    if (rank == 1) {
      throw std::runtime_error("out of paper");
    }
    ranks.sum(at::ones({1}));
  };
  EXPECT_THAT([&] { run_ranks(4, wait_for_the_second); },
              testing::ThrowsMessage<std::runtime_error>("out of paper"));
}

TEST(ThreadRanks, ARankThatDoesNotComeOrBringsSomethingElseIsAnError) {
  EXPECT_THROW(run_ranks(2, [](const RankScope& ranks, int64_t rank) { if (rank == 0) ranks.sum(at::ones({1})); }),
               MeetingPlace::LeftAlone);
  EXPECT_THROW(run_ranks(2, [](const RankScope& ranks, int64_t rank) { ranks.sum(at::ones({rank + 1})); }),
               c10::Error);
}

}  // namespace
}  // namespace moe
