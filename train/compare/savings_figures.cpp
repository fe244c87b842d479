#include "train/compare/savings_figures.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "train/compare/counters.h"
#include "train/compare/course.h"
#include "train/compare/direction.h"
#include "train/compare/measured_on.h"
#include "train/compare/metric_series.h"
#include "train/compare/savings.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

// Where its finished runs ended, a point of each seed.
SeedPoints end_points(const Variant& variant, const std::string& metric, const std::string& axis) {
  std::vector<std::pair<int64_t, double>> compute, quality;
  for (const auto& run : variant.runs) {
    const auto series = metric_series(run.rows, metric);
    if (series.empty() || series.back().step < run.config.train.steps) {
      continue;
    }
    const CurvePoint end{counter_at(run, run.rows[series.back().row], axis), final_value(series, metric)};
    if (std::isfinite(end.compute) && end.compute > 0 && std::isfinite(end.quality)) {
      compute.emplace_back(run.config.run.seed, end.compute);
      quality.emplace_back(run.config.run.seed, end.quality);
    }
  }
  SeedPoints points;
  const auto qualities = mean_by_seed(quality);
  for (const auto& [seed, spent] : mean_by_seed(compute)) {
    points.push_back({spent, qualities.at(seed)});
  }
  return points;
}

// The seeds of its finished runs at every place of the axis that all of them have been at.
CurveBlock course_block(const Variant& variant, const std::string& metric, const std::string& axis) {
  const auto courses = finished_courses(courses_of(variant, metric, axis));
  CurveBlock block;
  for (const double place : shared_places(courses)) {
    SeedPoints points;
    for (const double value : seeds_at(courses, place, true)) {
      points.push_back({place, value});
    }
    block.places.push_back(std::move(points));
  }
  return block;
}

std::vector<CurveBlock> baseline_curve(const std::vector<Variant>& variants, size_t baseline,
                                       const std::vector<size_t>& ends, const std::string& metric,
                                       const std::string& axis) {
  if (ends.empty()) {
    return {course_block(variants[baseline], metric, axis)};
  }
  std::vector<CurveBlock> blocks;
  for (const size_t end : ends) {
    if (auto points = end_points(variants[end], metric, axis); !points.empty()) {
      blocks.push_back({{std::move(points)}});
    }
  }
  return blocks;
}

Json saved_figures(const Savings& saved) {
  Json drawn = Json::array();
  if (saved.over_candidate) drawn.push_back("candidate");
  if (saved.over_baseline) drawn.push_back("baseline");
  const auto end = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return {{"compute", number_or_null(saved.candidate.compute)},
          {"quality", number_or_null(saved.candidate.quality)},
          {"reach", reach_text(saved.baseline.reach)},
          {"baseline_compute", saved.ratio ? Json(saved.baseline.compute) : Json()},
          {"ratio", end(saved.ratio)},
          {"saved", saved.ratio ? Json(saved_share(*saved.ratio)) : Json()},
          {"ci", saved.interval ? Json::array({end(saved.interval->low), end(saved.interval->high)}) : Json()},
          {"drawn", drawn},
          {"draws_not_reached", saved.not_reached}};
}

Json savings_by(const std::vector<Variant>& variants, const std::vector<size_t>& candidates,
                const std::vector<CurveBlock>& curve, const Variant& of_curve, const std::string& metric,
                const std::string& axis, bool higher) {
  Json points = Json::array(), rows = Json::array();
  for (const auto& [compute, quality] : mean_curve(curve)) {
    points.push_back({{"compute", compute}, {"quality", quality}});
  }
  for (const size_t candidate : candidates) {
    const auto ends = end_points(variants[candidate], metric, axis);
    if (!ends.empty()) {
      Json row = {{"name", variants[candidate].name}, {"seeds", ends.size()}};
      const bool same_text = measured_otherwise(of_curve, variants[candidate], metric).empty();
      row.update(saved_figures(savings(same_text ? curve : std::vector<CurveBlock>(), ends, higher)));
      if (!same_text) {
        row["reach"] = "measured on other text";
        row["drawn"] = Json::array();
      }
      rows.push_back(std::move(row));
    }
  }
  return points.empty() || rows.empty() ? Json() : Json{{"by", axis}, {"curve", points}, {"variants", rows}};
}

}  // namespace

Json savings_figures(const std::vector<Variant>& variants, size_t baseline, const std::vector<size_t>& curve,
                     const std::string& metric, AttentionFlops flops) {
  const auto higher = higher_is_better(variants, metric);
  if (!higher) {
    return nullptr;
  }
  const std::set<size_t> of_curve =
      curve.empty() ? std::set<size_t>{baseline} : std::set<size_t>(curve.begin(), curve.end());
  std::vector<size_t> candidates;
  for (size_t i = 0; i < variants.size(); ++i) {
    if (of_curve.count(i) == 0) {
      candidates.push_back(i);
    }
  }
  std::vector<size_t> ends;  // in the order of the variants, each once
  if (!curve.empty()) {
    ends.assign(of_curve.begin(), of_curve.end());
  }
  std::set<std::string> energy;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      energy.insert(run.energy.begin(), run.energy.end());
    }
  }
  std::vector<std::string> counters = {flops_axis(flops), "tokens", "seconds"};
  if (energy.size() < 2) {  // stated joules and measured ones are no one cost
    counters.push_back("joules");
  }
  Json axes = Json::array(), names = Json::array();
  for (const auto& counter : counters) {
    const auto axis = "total_" + counter;
    const auto blocks = baseline_curve(variants, baseline, ends, metric, axis);
    if (auto found = savings_by(variants, candidates, blocks, variants[*of_curve.begin()], metric, axis, *higher); !found.is_null()) {
      axes.push_back(std::move(found));
    }
  }
  for (const size_t i : of_curve) {
    names.push_back(variants[i].name);
  }
  return axes.empty() ? Json()
                      : Json{{"better", *higher ? "higher" : "lower"},
                             {"curve", {{"from", curve.empty() ? "validations" : "ends"}, {"variants", names}}},
                             {"axes", axes}};
}

}  // namespace moe
