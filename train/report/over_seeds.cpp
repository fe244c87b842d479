// over_seeds() of train/report/compare_report.h.
#include <algorithm>
#include <cmath>

#include "train/compare/metric_series.h"
#include "train/report/compare_report.h"

namespace moe {
namespace {

struct Sum {
  double x = 0, y = 0;
  size_t rows = 0, finite = 0;
};

double place_of_row(const Json& row, const std::string& x) {
  const auto found = row.find(x);
  return found != row.end() && found->is_number() ? found->get<double>()
                                                  : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::vector<ChartPoint> over_seeds(const Variant& variant, const std::string& metric,
                                   const std::string& x) {
  std::vector<std::vector<MetricPoint>> runs;
  std::vector<int64_t> steps;  // of any run, each once, ascending
  for (const auto& run : variant.runs) {
    runs.push_back(metric_series(run.rows, metric));
    for (const auto& point : runs.back()) {
      steps.push_back(point.step);
    }
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  const size_t count = std::min(steps.size(), kMostChartPoints);
  const auto stretch_of = [&](int64_t step) {
    const auto place = std::lower_bound(steps.begin(), steps.end(), step) - steps.begin();
    return static_cast<size_t>(place) * count / steps.size();
  };
  std::vector<std::vector<ChartPoint>> means(count);  // by stretch, of each run that reaches it
  for (size_t run = 0; run < runs.size(); ++run) {
    std::vector<Sum> sums(count);
    for (const auto& point : runs[run]) {
      auto& sum = sums[stretch_of(point.step)];
      sum.x += place_of_row(variant.runs[run].rows[point.row], x);
      ++sum.rows;
      if (std::isfinite(point.value)) {
        sum.y += point.value;
        ++sum.finite;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      if (sums[i].rows > 0) {  // 0 / 0 is the NaN of a gap
        means[i].push_back({sums[i].x / static_cast<double>(sums[i].rows),
                            sums[i].y / static_cast<double>(sums[i].finite)});
      }
    }
  }
  std::vector<ChartPoint> points;
  for (const auto& of_runs : means) {
    auto point = merged_points(of_runs);
    if (std::any_of(of_runs.begin(), of_runs.end(),
                    [](const ChartPoint& p) { return std::isnan(p.y); })) {
      point.y = std::numeric_limits<double>::quiet_NaN();
    }
    points.push_back(point);
  }
  std::sort(points.begin(), points.end(),
            [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; });
  return points;
}

}  // namespace moe
