#include "data/mixed_dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace moe {
namespace {

// Row n of part p has the one token 1000000 p + n, so that a row tells where it comes from.
class Numbered : public Dataset {
 public:
  Numbered(int64_t part, bool divided = false, int64_t epoch = 10)
      : part_(part), divided_(divided), epoch_(epoch) {}
  Batch batch(int64_t first, int64_t rows) const override {
    Batch batch;
    batch.rows = rows;
    batch.length = 2;
    batch.target_tokens = 2 * rows;
    for (int64_t row = first; row < first + rows; ++row) {
      for (int64_t i = 0; i < 2; ++i) {
        batch.tokens.push_back(1000000 * part_ + row);
        batch.targets.push_back(-batch.tokens.back());
        if (divided_) batch.segments.push_back(i);
        if (divided_) batch.positions.push_back(0);
      }
    }
    return batch;
  }
  int64_t rows_per_epoch() const override { return epoch_; }

 private:
  int64_t part_;
  bool divided_;
  int64_t epoch_;
};

MixedDataset mix(const std::vector<double>& weights) {
  std::vector<MixedDataset::Part> parts;
  for (size_t i = 0; i < weights.size(); ++i) {
    parts.push_back({std::make_shared<Numbered>(i), weights[i]});
  }
  return MixedDataset(parts);
}

const std::vector<std::vector<double>> kWeights = {
    {1}, {1, 1}, {2, 1}, {1, 3, 5}, {0.1, 0.2, 0.3, 0.4}, {1e-3, 1, 1e3}, {1, 1, 1, 1, 1, 1, 1},
    {M_PI, std::sqrt(2.0), 1}};

TEST(MixedDataset, EveryRowOfASourceComesOnceAndInOrder) {
  for (const auto& weights : kWeights) {
    const Batch batch = mix(weights).batch(0, 5000);
    std::vector<int64_t> next(weights.size(), 0);
    for (int64_t row = 0; row < batch.rows; ++row) {
      const int64_t token = batch.tokens[static_cast<size_t>(2 * row)];
      ASSERT_EQ(token % 1000000, next[static_cast<size_t>(token / 1000000)]++);
    }
    EXPECT_EQ(next, mix(weights).drawn(5000));
  }
}

// The bound that the header proves, at every row and far out.
TEST(MixedDataset, NoSourceIsEverFarFromItsDue) {
  for (const auto& weights : kWeights) {
    const auto data = mix(weights);
    double all = 0;
    for (const double weight : weights) all += weight;
    std::vector<int64_t> rows;
    for (int64_t n = 0; n < 3000; ++n) rows.push_back(n);
    for (int64_t n : {int64_t{1} << 31, int64_t{123456789012}, int64_t{1} << 45}) rows.push_back(n);
    for (const int64_t n : rows) {
      const auto drawn = data.drawn(n);
      int64_t sum = 0;
      for (size_t i = 0; i < weights.size(); ++i) {
        const double due = static_cast<double>(n) * weights[i] / all;
        const double rounding = static_cast<double>(n) * std::pow(2, -33) * (1.0 + i);
        EXPECT_LE(std::abs(static_cast<double>(drawn[i]) - due), (1.0 + i) / 2 + rounding + 1e-9)
            << "row " << n << ", source " << i;
        sum += drawn[i];
      }
      ASSERT_EQ(sum, n);
    }
  }
}

TEST(MixedDataset, RowsAreAFunctionOfTheirNumber) {
  const auto data = mix({1, 3, 5});
  const Batch whole = data.batch(1000000000000, 50);
  for (int64_t row = 0; row < 50; ++row) {
    const Batch one = data.batch(1000000000000 + row, 1);
    EXPECT_EQ(one.tokens[0], whole.tokens[static_cast<size_t>(2 * row)]);
    EXPECT_EQ(one.targets[0], -one.tokens[0]);
  }
  EXPECT_EQ(data.batch(7, 0).tokens.size(), 0u);
  EXPECT_THROW(data.batch(-1, 1), std::invalid_argument);
  EXPECT_THROW(MixedDataset({}), std::invalid_argument);
}

TEST(MixedDataset, FillsInWhatUndividedRowsLeaveOut) {
  const MixedDataset data({{std::make_shared<Numbered>(0, true), 1}, {std::make_shared<Numbered>(1), 1}});
  const Batch batch = data.batch(0, 4);
  for (size_t row = 0; row < 4; ++row) {
    const bool divided = batch.tokens[2 * row] < 1000000;
    EXPECT_EQ(batch.segments[2 * row + 1], divided ? 1 : 0);
    EXPECT_EQ(batch.positions[2 * row + 1], divided ? 0 : 1);
  }
  EXPECT_TRUE(mix({1, 1}).batch(0, 4).segments.empty());
}

TEST(MixedDataset, AnEpochReadsEverySourceToItsEnd) {
  const MixedDataset data({{std::make_shared<Numbered>(0, false, 10), 9},
                           {std::make_shared<Numbered>(1, false, 50), 1}});
  const auto drawn = data.drawn(data.rows_per_epoch());
  EXPECT_GE(drawn[0], 10);
  EXPECT_EQ(drawn[1], 50);
}

}  // namespace
}  // namespace moe
