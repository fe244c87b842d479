#include "data/permutation.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace moe {
namespace {

std::vector<int64_t> order_of(int64_t size, uint64_t key) {
  const Permutation permutation(size, key);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < size; ++i) order.push_back(permutation(i));
  return order;
}

TEST(Permutation, VisitsEveryElementOnce) {
  for (const int64_t size : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097}) {
    for (const uint64_t key : {0ull, 1ull, 12345678901234567ull}) {
      const auto order = order_of(size, key);
      const std::set<int64_t> distinct(order.begin(), order.end());
      ASSERT_EQ(static_cast<int64_t>(distinct.size()), size) << size << " key " << key;
      EXPECT_EQ(*distinct.begin(), 0);
      EXPECT_EQ(*distinct.rbegin(), size - 1);
    }
  }
}

TEST(Permutation, IsAFunctionOfItsKey) {
  EXPECT_EQ(order_of(1000, 7), order_of(1000, 7));
  EXPECT_NE(order_of(1000, 7), order_of(1000, 8));
}

// A shuffle has one fixed point on average, and neighbours land n/3 apart on average; the identity,
// a rotation and a bit reversal fail one of the two.
TEST(Permutation, LooksShuffled) {
  constexpr int64_t kSize = 3000;
  double fixed = 0;
  double distance = 0;
  constexpr int kKeys = 50;
  for (uint64_t key = 0; key < kKeys; ++key) {
    const auto order = order_of(kSize, key);
    for (int64_t i = 0; i < kSize; ++i) {
      fixed += order[static_cast<size_t>(i)] == i;
      if (i > 0) {
        distance += std::abs(order[static_cast<size_t>(i)] - order[static_cast<size_t>(i - 1)]);
      }
    }
  }
  EXPECT_NEAR(fixed / kKeys, 1.0, 0.6);
  EXPECT_NEAR(distance / kKeys / (kSize - 1) / kSize, 1.0 / 3, 0.01);
}

TEST(Permutation, WorksForHugeSizes) {
  const int64_t size = int64_t{1} << 61;
  const Permutation permutation(size, 3);
  std::set<int64_t> seen;
  for (int64_t i = 0; i < 1000; ++i) {
    const int64_t value = permutation(size - 1 - i);
    EXPECT_GE(value, 0);
    EXPECT_LT(value, size);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace moe
