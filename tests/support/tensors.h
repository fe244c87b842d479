// Comparisons of tensors that print what differs.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "layers/torch.h"

namespace moe {

// An int64 row; at::tensor({0, 1}, at::kLong) is ambiguous.
inline Tensor longs(const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); }

inline testing::AssertionResult near(const Tensor& found, const Tensor& expected, double tolerance) {
  if (found.sizes() != expected.sizes()) {
    return testing::AssertionFailure()
           << "shapes " << found.sizes() << " and " << expected.sizes();
  }
  const auto error = (found.to(at::kDouble) - expected.to(at::kDouble)).abs();
  const double worst = found.numel() == 0 ? 0 : error.max().item<double>();
  // Written so that NaN fails.
  if (worst <= tolerance) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "largest difference " << worst << " > " << tolerance
                                     << "\nfound\n" << found << "\nexpected\n" << expected;
}

// |a - b| / |b| in the 2-norm; 0 where both are zero.
inline double relative_error(const Tensor& a, const Tensor& b) {
  const double difference = (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>();
  return difference == 0 ? 0 : difference / b.to(at::kDouble).norm().item<double>();
}

inline bool bitwise_equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

}  // namespace moe
