// thinned() of train/report/line_chart.h.
#include <algorithm>
#include <cmath>

#include "train/report/line_chart.h"

namespace moe {
ChartPoint merged_points(std::span<const ChartPoint> points) {
  if (points.size() == 1) {
    return points.front();
  }
  ChartPoint all;
  double x = 0, y = 0;
  size_t finite = 0;
  const auto extend = [&](double value) {
    if (std::isfinite(value)) {
      all.low = std::fmin(all.low, value);  // of NaN and a number, the number
      all.high = std::fmax(all.high, value);
    }
  };
  for (const auto& p : points) {
    x += p.x;
    if (std::isfinite(p.y)) {
      y += p.y;
      ++finite;
    }
    extend(p.y), extend(p.low), extend(p.high);
  }
  all.x = x / static_cast<double>(points.size());
  all.y = finite == 0 ? std::numeric_limits<double>::quiet_NaN() : y / static_cast<double>(finite);
  return all;
}

std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t most) {
  if (points.size() <= most) {
    return points;
  }
  const double first = points.front().x;
  const double width = (points.back().x - first) / static_cast<double>(most);
  std::vector<ChartPoint> few;
  for (auto begin = points.begin(); begin != points.end();) {
    // The last point would begin a bucket of its own.
    const double bucket =
        width > 0 ? std::min(std::floor((begin->x - first) / width), static_cast<double>(most) - 1)
                  : 0;
    const auto end = std::find_if(begin + 1, points.end(), [&](const ChartPoint& p) {
      return bucket + 1 < static_cast<double>(most) && (p.x - first) / width >= bucket + 1;
    });
    few.push_back(merged_points({begin, end}));
    begin = end;
  }
  return few;
}

}  // namespace moe
