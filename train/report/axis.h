// The scale of a chart's axis: what range it shows, where its round ticks are and how they read.
#pragma once

#include <string>
#include <vector>

namespace moe {

struct Tick {
  double value = 0;
  std::string label;
};

struct Axis {
  double low = 0, high = 1;  // what it shows; low < high
  bool log = false;
  std::vector<Tick> ticks;  // ascending, within the range, labels all different

  double share(double value) const;  // 0 at low, 1 at high
};

// About `count` ticks at 1, 2 or 5 times a power of ten; labels share one factor (k, M, G, T) and
// have as many decimals as the ticks differ in. The range is that of the data.
Axis linear_axis(double low, double high, int count);

// The same with the range widened to the ticks around it.
Axis round_axis(double low, double high, int count);

// The range widened to 1, 2 or 5 times a power of ten; ticks at powers of ten, at 1-2-5 in between
// when there are few. Requires 0 < low.
Axis log_axis(double low, double high);

// A coordinate as drawings write it: one decimal is finer than any screen shows.
std::string drawn(double coordinate);

}  // namespace moe
