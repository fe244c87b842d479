// Mean, spread and the paired t test over seeds.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace moe {

// The place of a figure that is missing or not finite.
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double mean(const std::vector<double>& values);  // NaN when there are none
// Of (seed, value): values that share a seed, as runs done twice, count once, by their mean.
std::map<int64_t, double> mean_by_seed(const std::vector<std::pair<int64_t, double>>& values);
// Of the sample (divided by n - 1); NaN for fewer than two values.
double standard_deviation(const std::vector<double>& values);

// Probability that |T| <= t, for Student's t with that many degrees of freedom (at least 1): the
// finite sums of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
double student_t_within(double t, int64_t degrees);

// The t that |T| stays within with that probability, in (0, 1).
double student_t_quantile(double within, int64_t degrees);

// Half the width of the 95 % confidence interval of a mean; none for fewer than two values, or with one
// that is not finite.
std::optional<double> confidence_half_width(const std::vector<double>& values);

struct PairedTest {
  int64_t pairs = 0;
  double mean_difference = 0;  // of a - b; NaN without pairs
  std::optional<double> t,
      p;  // two-sided; none for fewer than two pairs or figures that are not finite
  std::optional<double> half_width;  // of the difference's 95 % confidence interval
};
// a[i] and b[i] belong together; as many of one as of the other. Differences that are all the same
// have no spread: p is 1 when they are 0, else 0 (t is infinite).
PairedTest paired_t_test(const std::vector<double>& a, const std::vector<double>& b);

// The p of several tests, in their order, corrected so that the probability of any false one among those
// at or below a level is at most that level, however they depend on each other: with m tests the i-th
// smallest becomes the largest over j <= i of min(1, (m - j + 1) p_j). Holm 1979, "A simple sequentially
// rejective multiple test procedure", Scandinavian Journal of Statistics 6.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace moe
