#include "train/compare/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moe {
namespace {

// Critical values of Student's t as any table prints them (two-sided 5 % and 1 %), to its digits.
TEST(StudentT, AgreesWithTables) {
  const struct {
    int64_t degrees;
    double five_percent, one_percent;
  } kTable[] = {{1, 12.7062, 63.6567},  {2, 4.30265, 9.92484},  {3, 3.18245, 5.84091},
                {4, 2.77645, 4.60409},  {5, 2.57058, 4.03214},  {9, 2.26216, 3.24984},
                {10, 2.22814, 3.16927}, {29, 2.04523, 2.75639}, {30, 2.04227, 2.75000},
                {120, 1.97993, 2.61742}};
  for (const auto& row : kTable) {
    EXPECT_NEAR(student_t_within(row.five_percent, row.degrees), 0.95, 1e-6) << row.degrees;
    EXPECT_NEAR(student_t_within(row.one_percent, row.degrees), 0.99, 1e-6) << row.degrees;
  }
}

// Closed forms: 1 degree is the Cauchy distribution, 2 degrees t / sqrt(2 + t^2).
TEST(StudentT, AgreesWithClosedForms) {
  for (const double t : {0.0, 0.3, 1.0, 2.5, 40.0}) {
    EXPECT_NEAR(student_t_within(t, 1), 2 / M_PI * std::atan(t), 1e-14) << t;
    EXPECT_NEAR(student_t_within(t, 2), t / std::sqrt(2 + t * t), 1e-14) << t;
  }
  EXPECT_EQ(student_t_within(0, 7), 0);
  EXPECT_EQ(student_t_within(std::numeric_limits<double>::infinity(), 4), 1);
  EXPECT_THROW(student_t_within(1, 0), std::invalid_argument);
}

TEST(StudentT, ApproachesTheNormalDistribution) {
  EXPECT_NEAR(student_t_within(1.959964, 1000000), 0.95, 1e-6);
}

TEST(Statistics, MeanAndSampleStandardDeviation) {
  EXPECT_EQ(mean({1, 2, 6}), 3);
  EXPECT_NEAR(standard_deviation({1, 2, 6}), std::sqrt(7.0), 1e-14);  // (4 + 1 + 9) / 2
  EXPECT_EQ(standard_deviation({5, 5}), 0);
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(standard_deviation({3})));
}

// Differences 1, 2, 3: mean 2, sd 1, t = 2 sqrt(3), and for 2 degrees p = 1 - t / sqrt(2 + t^2).
TEST(PairedTest, WorkedByHandForThreePairs) {
  const auto test = paired_t_test({11, 22, 33}, {10, 20, 30});
  EXPECT_EQ(test.pairs, 3);
  EXPECT_DOUBLE_EQ(test.mean_difference, 2);
  ASSERT_TRUE(test.t && test.p);
  EXPECT_NEAR(*test.t, 2 * std::sqrt(3.0), 1e-14);
  EXPECT_NEAR(*test.p, 1 - std::sqrt(12.0 / 14.0), 1e-14);  // 0.0742
  // For 2 degrees |T| <= t with 0.95 where t / sqrt(2 + t^2) is: t = 4.3027.
  ASSERT_TRUE(test.half_width);
  EXPECT_NEAR(*test.half_width, 0.95 * std::sqrt(2 / (1 - 0.95 * 0.95)) / std::sqrt(3.0), 1e-12);
}

TEST(StudentT, QuantileInvertsTheProbability) {
  for (const int64_t degrees : {1, 2, 4, 9, 100}) {
    EXPECT_NEAR(student_t_within(student_t_quantile(0.95, degrees), degrees), 0.95, 1e-14);
  }
  EXPECT_THROW(student_t_quantile(1, 4), std::invalid_argument);
}

// Differences 1, 3: mean 2, error 1, t = 2, and for 1 degree p = 1 - 2/pi atan 2.
TEST(PairedTest, WorkedByHandForTwoPairs) {
  const auto test = paired_t_test({1, 3}, {0, 0});
  ASSERT_TRUE(test.p);
  EXPECT_NEAR(*test.t, 2, 1e-14);
  EXPECT_NEAR(*test.p, 1 - 2 / M_PI * std::atan(2.0), 1e-14);  // 0.2952
}

TEST(PairedTest, SeesThroughASpreadThatBothShare) {
  const auto test = paired_t_test({1.01, 5.02, 9.01, 2.02}, {1, 5, 9, 2});
  EXPECT_LT(*test.p, 0.02);
  const auto swapped = paired_t_test({1, 5, 9, 2}, {1.01, 5.02, 9.01, 2.02});
  EXPECT_DOUBLE_EQ(*swapped.t, -*test.t);
  EXPECT_DOUBLE_EQ(*swapped.p, *test.p);
}

TEST(PairedTest, SaysNothingWithoutTwoPairs) {
  EXPECT_FALSE(paired_t_test({}, {}).p);
  EXPECT_TRUE(std::isnan(paired_t_test({}, {}).mean_difference));
  const auto one = paired_t_test({3}, {1});
  EXPECT_EQ(one.mean_difference, 2);
  EXPECT_FALSE(one.p);
  EXPECT_FALSE(paired_t_test({NAN, 1}, {1, 1}).p);
  EXPECT_THROW(paired_t_test({1}, {}), std::invalid_argument);
}

// Worked by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which must not fall below the one before.
TEST(Holm, WorkedByHandForFourTests) {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005}, expected = {0.03, 0.06, 0.06, 0.02};
  const auto corrected = holm(p);
  ASSERT_EQ(corrected.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(corrected[i], expected[i], 1e-15) << i;
  }
}

TEST(Holm, IsAtMostOneAndLeavesOneTestAsItIs) {
  EXPECT_EQ(holm({0.7, 0.2, 0.6}), (std::vector<double>{1, 3 * 0.2, 1}));
  EXPECT_EQ(holm({0.03}), std::vector<double>{0.03});
  EXPECT_TRUE(holm({}).empty());
}

TEST(Statistics, ValuesOfOneSeedCountOnce) {
  EXPECT_EQ(mean_by_seed({{1, 2}, {2, 5}, {1, 4}}), (std::map<int64_t, double>{{1, 3}, {2, 5}}));
}

TEST(PairedTest, OfDifferencesWithoutSpread) {
  EXPECT_EQ(paired_t_test({1, 2}, {1, 2}).p, 1);
  EXPECT_EQ(paired_t_test({2, 3}, {1, 2}).p, 0);
}

}  // namespace
}  // namespace moe
