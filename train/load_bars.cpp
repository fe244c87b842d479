#include "train/load_bars.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace moe {
namespace {

// `level` from 0 to 8.
const char* bar(double level) {
  static constexpr std::array<const char*, 9> kBars = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  return kBars[static_cast<size_t>(std::lround(level))];
}

}  // namespace

std::string load_bars(const std::vector<double>& load, size_t most) {
  const size_t shared = most == 0 ? load.size() : (load.size() + most - 1) / most;
  const double total = std::accumulate(load.begin(), load.end(), 0.0);
  const double fair = total / static_cast<double>(load.size());
  std::string text;
  for (size_t begin = 0; begin < load.size(); begin += shared) {
    const size_t end = std::min(load.size(), begin + shared);
    double mean = 0;
    for (size_t e = begin; e < end; ++e) mean += load[e] / static_cast<double>(end - begin);
    const double relative = mean / fair;
    // An expert that has anything at all shows at least the lowest bar.
    text += std::isfinite(relative) ? bar(std::clamp(relative * 4, relative > 0 ? 1.0 : 0.0, 8.0))
                                    : " ";
  }
  return text;
}

std::string sparkline(const std::vector<double>& values, size_t most) {
  const size_t first = values.size() - std::min(values.size(), most);
  double low = INFINITY, high = -INFINITY;
  for (size_t i = first; i < values.size(); ++i) {
    if (std::isfinite(values[i])) {
      low = std::min(low, values[i]);
      high = std::max(high, values[i]);
    }
  }
  std::string text;
  for (size_t i = first; i < values.size(); ++i) {
    // Halved, since the difference of two finite numbers need not be finite.
    const double range = high / 2 - low / 2;
    const double place = range > 0 ? (values[i] / 2 - low / 2) / range : 0;
    text += std::isfinite(values[i]) ? bar(1 + 7 * std::clamp(place, 0.0, 1.0)) : " ";
  }
  return text;
}

}  // namespace moe
