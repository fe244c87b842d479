#include "train/compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace moe {

double mean(const std::vector<double>& values) {
  if (values.empty()) {
    return kNan;
  }
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::map<int64_t, double> mean_by_seed(const std::vector<std::pair<int64_t, double>>& values) {
  std::map<int64_t, std::vector<double>> by_seed;
  for (const auto& [seed, value] : values) {
    by_seed[seed].push_back(value);
  }
  std::map<int64_t, double> means;
  for (const auto& [seed, of_seed] : by_seed) {
    means[seed] = mean(of_seed);
  }
  return means;
}

double standard_deviation(const std::vector<double>& values) {
  if (values.size() < 2) {
    return kNan;
  }
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) {
    squares += (value - center) * (value - center);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double student_t_within(double t, int64_t degrees) {
  if (degrees < 1) {
    throw std::invalid_argument("student_t_within: expected at least 1 degree of freedom, found " +
                                std::to_string(degrees));
  }
  const double angle = std::atan(std::abs(t) / std::sqrt(static_cast<double>(degrees)));
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const bool odd = degrees % 2 == 1;
  // Odd: cos + 2/3 cos^3 + 2*4/(3*5) cos^5 + ...; even: 1 + 1/2 cos^2 + 1*3/(2*4) cos^4 + ...; both
  // up to cos^(degrees - 2).
  double sum = 0, term = odd ? cosine : 1;
  for (int64_t power = odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(power + 1) / static_cast<double>(power + 2);
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

double student_t_quantile(double within, int64_t degrees) {
  if (!(within > 0 && within < 1)) {
    throw std::invalid_argument("student_t_quantile: expected a probability between 0 and 1, found " +
                                std::to_string(within));
  }
  double low = 0, high = 1;
  while (student_t_within(high, degrees) < within) {
    low = high;
    high *= 2;
  }
  for (int halving = 0; halving < 200; ++halving) {
    const double middle = (low + high) / 2;
    (student_t_within(middle, degrees) < within ? low : high) = middle;
  }
  return high;
}

std::optional<double> confidence_half_width(const std::vector<double>& values) {
  const double spread = standard_deviation(values);
  if (values.size() < 2 || !std::isfinite(spread)) {
    return std::nullopt;
  }
  const auto n = static_cast<int64_t>(values.size());
  return student_t_quantile(0.95, n - 1) * spread / std::sqrt(static_cast<double>(n));
}

PairedTest paired_t_test(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) {
    throw std::invalid_argument("paired_t_test: expected as many values of both, found " +
                                std::to_string(a.size()) + " and " + std::to_string(b.size()));
  }
  std::vector<double> differences(a.size());
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
  PairedTest test;
  test.pairs = static_cast<int64_t>(a.size());
  test.mean_difference = mean(differences);
  if (test.pairs < 2 || !std::isfinite(test.mean_difference)) {
    return test;
  }
  test.half_width = confidence_half_width(differences);
  const double error = standard_deviation(differences) / std::sqrt(static_cast<double>(test.pairs));
  if (error == 0) {
    const bool same = test.mean_difference == 0;
    test.t =
        same ? 0 : std::copysign(std::numeric_limits<double>::infinity(), test.mean_difference);
    test.p = same ? 1 : 0;
    return test;
  }
  test.t = test.mean_difference / error;
  test.p = std::clamp(1 - student_t_within(*test.t, test.pairs - 1), 0.0, 1.0);
  return test;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> ascending(p.size());
  std::iota(ascending.begin(), ascending.end(), size_t{0});
  std::sort(ascending.begin(), ascending.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double largest = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const auto tests_left = static_cast<double>(p.size() - i);
    largest = std::max(largest, std::min(1.0, tests_left * p[ascending[i]]));
    corrected[ascending[i]] = largest;
  }
  return corrected;
}

}  // namespace moe
