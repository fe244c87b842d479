// moe-bench layer: what it measures is what it says. Of its times nothing is asserted.
#include <gtest/gtest.h>

#include "train/bench.h"

namespace moe {
namespace {

TEST(BenchLayer, ComparesASparseDSelectKWithTopKAtTheShapeAskedFor) {
  const auto result = bench_layer({512, 16, 8, 8, 2}, 1, 1);
  EXPECT_EQ(result["shape"]["experts"], 8);
  const auto &layers = result["rows"][0], &gates = result["rows"][1];
  EXPECT_EQ(layers["reference_slots_per_token"], 2.0);
  // 8 of them before the bits are decided; two selectors agree for an eighth of the tokens.
  EXPECT_NEAR(layers["slots_per_token"].get<double>(), 2, 0.3);
  EXPECT_GT(gates["share_of_layer"].get<double>(), 0);
  EXPECT_NE(bench_text(result).find("live slots a token"), std::string::npos);
}

}  // namespace
}  // namespace moe
