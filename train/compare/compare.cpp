#include "train/compare/compare.h"

#include <cmath>
#include <filesystem>
#include <set>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "train/compare/warnings.h"
#include "train/compare/metric_series.h"
#include "train/compare/run_figures.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

void require_metric(const std::vector<Variant>& variants, const std::string& metric) {
  std::set<std::string> names;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      if (!metric_series(run.rows, metric).empty()) {
        return;
      }
      names.merge(metric_names(run.rows));
    }
  }
  const std::vector<std::string> all(names.begin(), names.end());
  if (all.empty()) {
    throw RunError(
        variants.front().first().folder +
        ": expected rows in metrics.jsonl, of this or another run, found none: they have "
        "only just begun; wait for the first");
  }
  throw ConfigError("--metric: expected one that the runs have, found '" + metric + "'" +
                    did_you_mean(metric, all) + ". There are: " + join(all));
}

Json difference(const Json& variant, const Json& baseline) {
  const auto of_variant = values_by_seed(variant.at("runs"));
  const auto of_baseline = values_by_seed(baseline.at("runs"));
  std::vector<double> a, b;
  for (const auto& [seed, value] : of_variant) {
    if (const auto found = of_baseline.find(seed); found != of_baseline.end()) {
      a.push_back(value);
      b.push_back(found->second);
    }
  }
  const auto test = paired_t_test(a, b);
  Json mean_difference;
  const auto &mine = variant.at("value").at("mean"), &theirs = baseline.at("value").at("mean");
  if (test.pairs > 0) {
    mean_difference = test.mean_difference;
  } else if (mine.is_number() && theirs.is_number()) {
    mean_difference = mine.get<double>() - theirs.get<double>();
  }
  return {{"mean", mean_difference},
          {"pairs", test.pairs},
          {"t", test.t ? Json(*test.t) : Json()},
          {"p", test.p ? Json(*test.p) : Json()}};
}

// At most `count` of the steps, evenly spaced among them, the first and the last included.
std::vector<int64_t> evenly_spaced(const std::set<int64_t>& steps, int64_t count) {
  const std::vector<int64_t> all(steps.begin(), steps.end());
  const auto size = static_cast<int64_t>(all.size());
  if (count >= size) {
    return all;
  }
  if (count == 1) {
    return {all.back()};
  }
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i) {
    const double place = static_cast<double>(i * (size - 1)) / static_cast<double>(count - 1);
    chosen.push_back(all[static_cast<size_t>(std::llround(place))]);
  }
  return chosen;
}

// A run's last value so far at each step.
Json values_at(const std::vector<MetricPoint>& series, const std::vector<int64_t>& steps) {
  Json values = Json::array();
  size_t next = 0;
  for (const int64_t step : steps) {
    while (next < series.size() && series[next].step <= step) {
      ++next;
    }
    const bool within = next > 0 && series.back().step >= step;
    values.push_back(within ? Json(series[next - 1].value) : Json());
  }
  return values;
}

Json over_time(const std::vector<Variant>& variants, const std::string& metric, int64_t count) {
  std::set<int64_t> all;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      for (const auto& point : metric_series(run.rows, metric)) {
        all.insert(point.step);
      }
    }
  }
  const auto steps = evenly_spaced(all, count);
  Json rows = Json::array();
  for (const auto& variant : variants) {
    Json row = {{"name", variant.name}, {"mean", Json::array()}, {"n", Json::array()}};
    Json runs = Json::array();
    for (const auto& run : variant.runs) {
      runs.push_back({{"name", run.name},
                      {"seed", run.config.run.seed},
                      {"values", values_at(metric_series(run.rows, metric), steps)}});
    }
    for (size_t i = 0; i < steps.size(); ++i) {
      std::vector<double> there;
      for (const auto& run : runs) {
        if (run["values"][i].is_number()) {
          there.push_back(run["values"][i]);
        }
      }
      row["mean"].push_back(there.empty() ? Json() : Json(mean(there)));
      row["n"].push_back(there.size());
    }
    row["runs"] = runs;
    rows.push_back(row);
  }
  return {{"steps", steps}, {"variants", rows}};
}

size_t baseline_of(const std::vector<Variant>& variants, const std::string& word) {
  if (word.empty()) {
    return 0;
  }
  if (const auto found = find_variant(variants, word)) {
    return *found;
  }
  std::vector<std::string> names;
  for (const auto& variant : variants) {
    names.push_back(variant.name);
  }
  throw ConfigError("--baseline: expected a variant (" + join_or(names) +
                    "), or the name or folder of a run, found '" + word + "'" +
                    did_you_mean(word, names));
}

}  // namespace

std::vector<Variant> read_variants(const CompareOptions& options) {
  auto variants = group_runs(read_runs(options.paths));
  if (!options.baseline.empty() && !find_variant(variants, options.baseline) &&
      std::filesystem::exists(options.baseline + "/config.yaml")) {
    auto paths = options.paths;
    paths.push_back(options.baseline);
    variants = group_runs(read_runs(paths));
  }
  return variants;
}

Json compare(const std::vector<Variant>& variants, const CompareOptions& options) {
  constexpr int64_t kMostPoints = 10000;
  if (options.over_time < 0 || options.over_time > kMostPoints) {
    throw ConfigError("--over-time: expected an integer from 1 to 10000, found " +
                      std::to_string(options.over_time));
  }
  require_metric(variants, options.metric);
  const size_t baseline = baseline_of(variants, options.baseline);

  Json figures = Json::array();
  for (const auto& variant : variants) {
    figures.push_back(variant_figures(variant, options.metric));
  }
  for (size_t i = 0; i < variants.size(); ++i) {
    if (i != baseline) {
      figures[i]["difference"] = difference(figures[i], figures[baseline]);
    }
  }
  Json report = {{"metric", options.metric}, {"baseline", variants[baseline].name}};
  report["variants"] = figures;
  if (options.over_time > 0) {
    report["over_time"] = over_time(variants, options.metric, options.over_time);
  }
  report["warnings"] = comparison_warnings(variants, figures, options.metric);
  return report;
}

}  // namespace moe
