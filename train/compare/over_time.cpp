#include "train/compare/over_time.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "train/compare/metric_series.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

// A run's metric against one axis, ascending.
struct Point {
  double at = 0, value = 0;
};

std::vector<Point> course_of(const RunRecord& run, const std::string& metric, const std::string& by) {
  std::vector<Point> points;
  for (const auto& point : metric_series(run.rows, metric)) {
    const auto place = run.rows[point.row].find(by);
    if (place != run.rows[point.row].end() && place->is_number()) {
      points.push_back({place->get<double>(), point.value});
    }
  }
  std::stable_sort(points.begin(), points.end(), [](auto& a, auto& b) { return a.at < b.at; });
  return points;
}

// At most `count` of the steps, evenly spaced among them, the first and the last included.
std::vector<double> among_steps(const std::set<double>& steps, int64_t count) {
  const std::vector<double> all(steps.begin(), steps.end());
  const auto size = static_cast<int64_t>(all.size());
  if (count >= size) {
    return all;
  }
  if (count == 1) {
    return {all.back()};
  }
  std::vector<double> chosen;
  for (int64_t i = 0; i < count; ++i) {
    const double place = static_cast<double>(i * (size - 1)) / static_cast<double>(count - 1);
    chosen.push_back(all[static_cast<size_t>(std::llround(place))]);
  }
  return chosen;
}

std::vector<double> up_to(double largest, int64_t count) {
  std::vector<double> places;
  for (int64_t i = 1; i <= count; ++i) {
    places.push_back(largest * static_cast<double>(i) / static_cast<double>(count));
  }
  places.back() = largest;  // rounding could put it behind the only run that gets there
  return places;
}

Json value_at(const std::vector<Point>& points, double place, bool interpolate) {
  const auto after = std::upper_bound(points.begin(), points.end(), place,
                                      [](double at, const Point& point) { return at < point.at; });
  if (after == points.begin() || points.back().at < place) {
    return {};
  }
  const auto& before = *(after - 1);
  if (!interpolate || after == points.end()) {
    return before.value;
  }
  const double share = (place - before.at) / (after->at - before.at);
  return before.value + share * (after->value - before.value);
}

}  // namespace

const std::vector<std::string>& over_time_axes() {
  static const std::vector<std::string> axes = {"step", "tokens", "flops", "flops_executed", "seconds"};
  return axes;
}

Json over_time(const std::vector<Variant>& variants, const std::string& metric, int64_t count,
               const std::string& by) {
  const bool by_step = by == "step";
  std::set<double> all;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      for (const auto& point : course_of(run, metric, by)) all.insert(point.at);
    }
  }
  const auto places = all.empty() ? std::vector<double>{}
                      : by_step   ? among_steps(all, count)
                                  : up_to(*all.rbegin(), count);
  Json rows = Json::array();
  for (const auto& variant : variants) {
    Json row = {{"name", variant.name}, {"mean", Json::array()}, {"n", Json::array()}};
    Json runs = Json::array();
    for (const auto& run : variant.runs) {
      const auto points = course_of(run, metric, by);
      Json values = Json::array();
      for (const double place : places) values.push_back(value_at(points, place, !by_step));
      runs.push_back({{"name", run.name}, {"seed", run.config.run.seed}, {"values", values}});
    }
    for (size_t i = 0; i < places.size(); ++i) {
      std::vector<double> there;
      for (const auto& run : runs) {
        if (run["values"][i].is_number()) there.push_back(run["values"][i]);
      }
      row["mean"].push_back(there.empty() ? Json() : Json(mean(there)));
      row["n"].push_back(there.size());
    }
    row["runs"] = runs;
    rows.push_back(row);
  }
  Json result = {{"by", by}, {"at", places}, {"variants", rows}};
  if (by_step) {
    result["steps"] = Json::array();
    for (const double place : places) result["steps"].push_back(std::llround(place));
  }
  return result;
}

}  // namespace moe
