#include "train/compare/compare.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "configs/utf8.h"
#include "data/printable.h"
#include "train/compare/warnings.h"
#include "train/compare/metric_series.h"
#include "train/compare/over_time.h"
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
  std::vector<std::string> all;
  for (const auto& name : names) {
    all.push_back(visible(name));
  }
  if (all.empty()) {
    throw RunError(
        in_quotes(variants.front().first().folder) +
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
          {"ci", test.half_width ? Json({test.mean_difference - *test.half_width,
                                         test.mean_difference + *test.half_width})
                                 : Json()},
          {"t", test.t ? Json(*test.t) : Json()},
          {"p", test.p ? Json(*test.p) : Json()},
          {"p_holm", Json()}};
}

// All variants are held against one baseline: the more there are, the sooner one differs by chance.
void add_holm(Json& variants) {
  std::vector<double> p;
  std::vector<Json*> tested;
  for (auto& variant : variants) {
    auto& difference = variant.at("difference");
    if (!difference.is_null() && difference.at("p").is_number()) {
      p.push_back(difference.at("p").get<double>());
      tested.push_back(&difference);
    }
  }
  const auto corrected = holm(p);
  for (size_t i = 0; i < tested.size(); ++i) {
    tested[i]->at("p_holm") = corrected[i];
  }
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
    names.push_back(visible(variant.name, 200));
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
  const auto& axes = over_time_axes();
  if (std::find(axes.begin(), axes.end(), options.by) == axes.end()) {
    throw ConfigError("--by: expected " + join_or(axes) + ", found '" + options.by + "'" +
                      did_you_mean(options.by, axes));
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
  add_holm(figures);
  Json report = {{"metric", options.metric}, {"baseline", variants[baseline].name}};
  report["variants"] = figures;
  if (options.over_time > 0) {
    report["over_time"] = over_time(variants, options.metric, options.over_time, options.by);
  }
  report["warnings"] = comparison_warnings(variants, figures, options.metric);
  return report;
}

}  // namespace moe
