#include "configs/fields.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(Range, SaysWhatItHolds) {
  EXPECT_EQ(Range{}.text(), "");
  EXPECT_EQ(at_least(1).text(), "at least 1");
  EXPECT_EQ(above(0).text(), "above 0");
  EXPECT_EQ(between(0, 0.5).text(), "at least 0 and at most 0.5");
  EXPECT_EQ(from_below(0, 1).text(), "at least 0 and below 1");
  EXPECT_EQ((Range{0, 1, true, false}.text()), "above 0 and at most 1");
  EXPECT_EQ((Range{-std::numeric_limits<double>::infinity(), 5}.text()), "at most 5");
}

TEST(Range, HoldsItsClosedEndsOnly) {
  EXPECT_TRUE(at_least(1).holds(1));
  EXPECT_FALSE(at_least(1).holds(0.99));
  EXPECT_FALSE(above(0).holds(0));
  EXPECT_TRUE(above(0).holds(5e-324));
  EXPECT_TRUE(between(0, 1).holds(1));
  EXPECT_FALSE(between(0, 1).holds(1.01));
  EXPECT_FALSE(from_below(0, 1).holds(1));
  EXPECT_TRUE(from_below(0, 1).holds(0));
  EXPECT_TRUE(Range{}.holds(-1e300));
}

struct Inner {
  void check(Rules& rules) const {
    rules.require(true, "fine", "never said");
    rules.require(false, "k", "expected less");
  }
};
struct Outer {
  Inner inner;
  void check(Rules& rules) const {
    rules.section("inner", inner);
    rules.require(false, "name", "expected a name");
  }
};

TEST(Rules, CollectBrokenOnesWithTheirFullKeys) {
  Rules rules;
  rules.section("outer", Outer{});
  rules.require(false, "top", "expected another");
  ASSERT_EQ(rules.broken().size(), 3u);
  EXPECT_EQ(rules.broken()[0].key, "outer.inner.k");
  EXPECT_EQ(rules.broken()[0].message, "expected less");
  EXPECT_EQ(rules.broken()[1].key, "outer.name");
  EXPECT_EQ(rules.broken()[2].key, "top");
}

}  // namespace
}  // namespace moe
