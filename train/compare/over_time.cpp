#include "train/compare/over_time.h"

#include <cmath>
#include <set>

#include "train/compare/course.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

std::vector<double> up_to(double largest, int64_t count) {
  std::vector<double> places;
  for (int64_t i = 1; i <= count; ++i) {
    places.push_back(largest * static_cast<double>(i) / static_cast<double>(count));
  }
  places.back() = largest;  // rounding could put it behind the only variant that gets there
  return places;
}

}  // namespace

const std::vector<std::string>& over_time_axes() {
  static const std::vector<std::string> axes = {
      "step",         "tokens",      "flops",         "flops_executed", "seconds",
      "joules",       "total_tokens", "total_flops", "total_seconds", "total_joules"};
  return axes;
}

Json over_time(const std::vector<Variant>& variants, const std::string& metric, int64_t count,
               const std::string& by) {
  const bool by_step = by == "step";
  std::vector<std::vector<Course>> courses, counted;  // by variant
  std::set<double> shared;
  for (const auto& variant : variants) {
    courses.push_back(courses_of(variant, metric, by));
    counted.push_back(counted_courses(courses.back()));
    shared.merge(shared_places(counted.back()));
  }
  const auto places = shared.empty() ? std::vector<double>{}
                      : by_step      ? spaced(shared, count)
                                     : up_to(*shared.rbegin(), count);
  Json rows = Json::array();
  for (size_t v = 0; v < variants.size(); ++v) {
    Json row = {{"name", variants[v].name}, {"mean", Json::array()}, {"n", Json::array()}};
    Json runs = Json::array();
    for (size_t i = 0; i < variants[v].runs.size(); ++i) {
      Json values = Json::array();
      for (const double place : places) {
        const auto value = value_at(courses[v][i], place, !by_step);
        values.push_back(value ? Json(*value) : Json());
      }
      const auto& run = variants[v].runs[i];
      runs.push_back({{"name", run.name}, {"seed", run.config.run.seed}, {"values", values}});
    }
    for (const double place : places) {
      const auto seeds = seeds_at(counted[v], place, !by_step);
      row["mean"].push_back(seeds.empty() ? Json() : Json(mean(seeds)));
      row["n"].push_back(seeds.size());
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
