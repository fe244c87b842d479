#include "train/compare/compare.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "configs/utf8.h"
#include "data/printable.h"
#include "train/compare/compute.h"
#include "train/compare/counters.h"
#include "train/compare/equal_cost.h"
#include "train/compare/load_shift.h"
#include "train/compare/measured_on.h"
#include "train/compare/metric_series.h"
#include "train/compare/over_time.h"
#include "train/compare/overhead.h"
#include "train/compare/run_figures.h"
#include "train/compare/savings_figures.h"
#include "train/compare/statistics.h"
#include "train/compare/test_figures.h"
#include "train/compare/transfer.h"
#include "train/compare/warnings.h"

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
  auto figures = test_figures(test);
  const auto &mine = variant.at("value").at("mean"), &theirs = baseline.at("value").at("mean");
  if (test.pairs == 0 && mine.is_number() && theirs.is_number()) {
    figures["mean"] = mine.get<double>() - theirs.get<double>();
  }
  return figures;
}

// That an option names. `option` is for messages.
size_t named_variant(const std::vector<Variant>& variants, const std::string& option, const std::string& word) {
  if (const auto found = find_variant(variants, word)) {
    return *found;
  }
  std::vector<std::string> names;
  for (const auto& variant : variants) {
    names.push_back(visible(variant.name, 200));
  }
  throw ConfigError(option + ": expected a variant (" + join_or(names) +
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
  for (auto& variant : variants) {
    for (auto& run : variant.runs) {
      run.before = evals_before(run, options.before);
    }
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
  const auto flops = attention_flops(options.flops);
  const auto named = [&](const char* option, const std::string& word) { return named_variant(variants, option, word); };
  const size_t baseline = options.baseline.empty() ? 0 : named("--baseline", options.baseline);
  const auto control = options.control.empty() ? std::nullopt : std::optional(named("--control", options.control));
  std::vector<size_t> curve;
  for (const auto& word : options.curve) {
    curve.push_back(named("--curve", word));
    const auto &first = variants[curve.front()], &next = variants[curve.back()];
    if (const auto differing = measured_otherwise(first, next, options.metric); !differing.empty()) {
      throw ConfigError("--curve: expected variants whose " + options.metric + " is of one text, found " +
                        join(std::vector{visible(first.name), visible(next.name)}) + " with other " + differing +
                        "; " + measuring_alike());
    }
  }

  Json figures = Json::array();
  for (const auto& variant : variants) {
    figures.push_back(variant_figures(variant, options.metric));
  }
  // All variants are held against one baseline: the more there are, the sooner one differs by chance.
  std::vector<Json*> tests;
  for (size_t i = 0; i < variants.size(); ++i) {
    if (i != baseline) {
      const bool same_text = measured_otherwise(variants[i], variants[baseline], options.metric).empty();
      figures[i]["difference"] =
          same_text ? difference(figures[i], figures[baseline]) : test_figures(paired_t_test({}, {}));
      tests.push_back(&figures[i]["difference"]);
    }
  }
  add_holm(tests);
  Json report = {{"metric", options.metric},
                 {"baseline", variants[baseline].name},
                 {"flops", {{"convention", options.flops}, {"formula", flops_formula(flops)}}}};
  report["variants"] = figures;
  const auto add = [&report](const char* name, Json section) {
    if (!section.is_null()) {
      report[name] = std::move(section);
    }
  };
  add("savings", savings_figures(variants, baseline, curve, options.metric, flops));
  add("overhead", overhead_figures(figures, flops));
  add("equal_cost", equal_cost_figures(variants, figures, baseline, options.metric, flops));
  add("transfer", transfer_figures(variants, control));
  add("load", load_figures(variants));
  if (options.over_time > 0) {
    const auto by = with_flops_axis(options.by, flops);
    report["over_time"] = over_time(variants, options.metric, options.over_time, by);
  }
  report["warnings"] = comparison_warnings(variants, figures, options.metric);
  return report;
}

}  // namespace moe
