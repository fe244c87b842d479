#include "train/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace moe {
namespace {

// The least of 1, 2, 5 times a power of ten that cuts `span` into at most `count` parts.
double tick_step(double span, int count) {
  const double least = span / count;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) {
      return factor * power;
    }
  }
  return 10 * power;
}

// Sizes beyond which differences and powers of ten end in 0 or infinity, and a loop over ticks nowhere.
// What is larger is drawn outside the chart.
constexpr double kSmallest = 1e-300, kLargest = 1e300;

// Data of one value, or none to speak of, still needs room to be drawn in.
void widen(double& low, double& high) {
  low = std::clamp(low, -kLargest, kLargest);
  high = std::clamp(high, -kLargest, kLargest);
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= std::max(1e-9 * size, kSmallest)) {
    const double room = size <= kSmallest ? 1 : size * 0.1;
    low -= low == 0 ? 0 : room;
    high += room;
  }
}

// 1, 2 or 5 times a power of ten, the last at or below `value`, or the first at or above it.
double round_value(double value, bool up) {
  const double power = std::pow(10.0, std::floor(std::log10(value) + 1e-9));
  double below = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    const double here = factor * power;
    if (here >= value * (1 - 1e-9)) {
      return up || here <= value * (1 + 1e-9) ? here : below;
    }
    below = here;
  }
  return below;
}

struct Factor {
  double value;
  const char* name;
};

std::string tick_label(double value, double step, const Factor& factor) {
  const double scaled_step = step / factor.value;
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(scaled_step) - 1e-9)));
  std::array<char, 64> text;
  if (decimals > 6) {
    std::snprintf(text.data(), text.size(), "%.4g", value);
  } else {
    std::snprintf(text.data(), text.size(), "%.*f%s", decimals, value / factor.value,
                  value == 0 ? "" : factor.name);
  }
  return text.data();
}

void add_ticks(Axis& axis, double step) {
  constexpr std::array<Factor, 6> kFactors = {
      {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}, {1e15, "P"}}};
  const double size = std::max(std::abs(axis.low), std::abs(axis.high));
  Factor factor = kFactors[0];
  for (const auto& larger : kFactors) {
    if (size >= (larger.value == 1e3 ? 10 : 1) * larger.value) {  // four digits are short enough
      factor = larger;
    }
  }
  const double first = std::ceil(axis.low / step - 1e-9);
  const double last = std::floor(axis.high / step + 1e-9);
  for (double i = first; i <= last; ++i) {
    const double value = i == 0 ? 0 : i * step;
    axis.ticks.push_back({value, tick_label(value, step, factor)});
  }
}

}  // namespace

double Axis::share(double value) const {
  // Not of quotients, which can be infinite.
  return log ? (std::log(value) - std::log(low)) / (std::log(high) - std::log(low))
             : (value - low) / (high - low);
}

Axis linear_axis(double low, double high, int count) {
  widen(low, high);
  Axis axis{low, high, false, {}};
  add_ticks(axis, tick_step(high - low, count));
  return axis;
}

Axis round_axis(double low, double high, int count) {
  widen(low, high);
  const double step = tick_step(high - low, count);
  Axis axis{std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, false, {}};
  add_ticks(axis, step);
  return axis;
}

Axis log_axis(double low, double high) {
  low = round_value(std::clamp(low, kSmallest, kLargest), false);
  high = round_value(std::clamp(high, kSmallest, kLargest), true);
  if (high <= low * 1.5) {
    low /= 2;
    high *= 2;
  }
  Axis axis{low, high, true, {}};
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  const int decades = last - first;
  const int every = std::max(1, decades / 6);
  for (int decade = first; decade <= last; ++decade) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, decade);
      const bool wanted = factor == 1 ? (decade - first) % every == 0 : high / low < 1e3;
      if (wanted && value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
        std::array<char, 32> text;
        std::snprintf(text.data(), text.size(), "%.3g", value);
        axis.ticks.push_back({value, text.data()});
      }
    }
  }
  return axis;
}

std::string drawn(double coordinate) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", coordinate);
  return text.data();
}

}  // namespace moe
