#include "train/compare/run_figures.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/tokenizer.h"
#include "train/flops.h"
#include "train/compare/compute.h"
#include "train/compare/counters.h"
#include "train/compare/energy_total.h"
#include "train/compare/metric_series.h"
#include "train/compare/statistics.h"
#include "train/model.h"

namespace moe {
namespace {

constexpr const char* kCosts[] = {"step",    "tokens",           "target_tokens",   "flops", "flops_executed",
                                  "seconds", "steps_per_second", "flops_attention", "joules"};
constexpr const char* kTotals[] = {"tokens",  "target_tokens", "flops", "flops_without_attention",
                                   "seconds", "joules"};

// Name in the report, and path in a layer's object of a training row.
constexpr std::pair<const char*, const char*> kRouting[] = {
    {"slots_per_token", "slots_per_token"},
    {"coincident_selectors", "gate.coincident_selectors"},
    {"empty_tokens", "empty_tokens"},
    {"dropped", "dropped"},
    {"max_vio", "max_vio"},
    {"dead_experts", "dead_experts"}};

Json cost_at(const Json& row) {
  Json cost = {{"step", row.at("step")}};
  for (const auto& name : row_counters()) {
    const auto found = row.find(name);
    cost[name] = found != row.end() && found->is_number() ? *found : Json();
  }
  const auto& seconds = cost["seconds"];
  cost["steps_per_second"] = seconds.is_number() && seconds.get<double>() > 0
                                 ? Json(row.at("step").get<double>() / seconds.get<double>())
                                 : Json();
  return cost;
}

// With what the checkpoint that it began with had cost.
Json total_at(const RunRecord& run, const Json& row) {
  Json total = Json::object();
  for (const std::string name : kTotals) {
    total[name] = number_or_null(counter_at(run, row, "total_" + name));
  }
  const auto energy = energy_total(run, row);
  total["kwh"] = energy.kwh ? Json(*energy.kwh) : Json();
  total["kg_co2e"] = energy.kg_co2e ? Json(*energy.kg_co2e) : Json();
  return total;
}

// What had been spent before it began; null for a run that began with values of its own.
Json before_figures(const RunRecord& run) {
  if (!run.continued()) {
    return nullptr;
  }
  Json before = {{"checkpoint", run.began ? Json(run.began->checkpoint) : Json(run.config.init.from)},
                 {"step", run.began ? Json(run.began->step) : Json()}};
  for (const char* name : kTotals) {
    before[name] = number_or_null(counter_before(run, name));
  }
  return before;
}

Json routing_of(const RunRecord& run) {
  Json routing = Json::object();
  for (const auto& [name, path] : kRouting) {
    const auto metric = std::string("moe.") + path;
    const auto series = metric_series(run.rows, metric);
    // Null where the rows have none (log.diagnostics: false).
    const double value = series.empty() ? kNan : final_value(series, metric);
    routing[name] = std::isfinite(value) ? Json(value) : Json();
  }
  return routing;
}

// The 95 % confidence interval of the mean; null for fewer than two values.
Json interval(const std::vector<double>& values) {
  const auto half = confidence_half_width(values);
  return half ? Json({mean(values) - *half, mean(values) + *half}) : Json();
}

// k, the mean over layers that have experts: a whole number unless their gates differ.
Json mean_slots(const ModelConfig& model) {
  const auto layers = model.moe->expert_layers(model.layers);
  int64_t sum = 0;
  for (const int64_t layer : layers) {
    sum += model.moe->slots(layer);
  }
  const auto count = static_cast<int64_t>(layers.size());
  return sum % count == 0 ? Json(sum / count)
                          : Json(static_cast<double>(sum) / static_cast<double>(count));
}

// Those that cost and routing are means of: the finished ones; where none is, all.
Json counted_runs(const Json& runs) {
  Json finished = Json::array();
  for (const auto& run : runs) {
    if (run.at("finished").get<bool>()) {
      finished.push_back(run);
    }
  }
  return finished.empty() ? runs : finished;
}

int64_t unfinished_values(const Json& runs) {
  return std::count_if(runs.begin(), runs.end(), [](const Json& run) {
    return run.at("value").is_number() && !run.at("finished").get<bool>();
  });
}

}  // namespace

Json run_figures(const RunRecord& run, const std::string& metric) {
  const auto series = metric_series(run.rows, metric);
  const bool any = !series.empty();
  // Without the metric (a dense run has none of a gate's) what was spent is still known.
  const Json last = any ? run.rows[series.back().row] : run.rows.empty() ? Json() : run.rows.back();
  return {{"name", run.name},
          {"folder", run.folder},
          {"seed", run.config.run.seed},
          {"steps", run.config.train.steps},
          {"finished", !last.is_null() && last.at("step") >= run.config.train.steps},
          {"value", any ? Json(final_value(series, metric)) : Json()},
          {"cost", last.is_null() ? Json() : cost_at(last)},
          {"began_with", before_figures(run)},
          {"total", last.is_null() ? Json() : total_at(run, last)},
          {"moe", run.config.model.moe ? routing_of(run) : Json()}};
}

std::map<int64_t, double> values_by_seed(const Json& runs) {
  std::vector<std::pair<int64_t, double>> all;
  for (const auto& run : runs) {
    if (run.at("finished").get<bool>() && run.at("value").is_number()) {
      all.emplace_back(run.at("seed").get<int64_t>(), run.at("value").get<double>());
    }
  }
  return mean_by_seed(all);
}

Json mean_figure(const Json& runs, const std::string& pointer) {
  std::vector<double> values;
  for (const auto& run : runs) {
    const Json::json_pointer place(pointer);
    if (run.contains(place) && run.at(place).is_number()) {
      values.push_back(run.at(place));
    }
  }
  return values.empty() ? Json() : Json(mean(values));
}

Json variant_figures(const Variant& variant, const std::string& metric) {
  Json runs = Json::array();
  for (const auto& run : variant.runs) {
    runs.push_back(run_figures(run, metric));
  }
  Json seeds = Json::array();
  std::vector<double> values;
  for (const auto& [seed, value] : values_by_seed(runs)) {
    seeds.push_back(seed);
    values.push_back(value);
  }
  Json value = {{"mean", values.empty() ? Json() : Json(mean(values))},
                {"sd", values.size() < 2 ? Json() : Json(standard_deviation(values))},
                {"ci", interval(values)},
                {"n", values.size()},
                {"unfinished", unfinished_values(runs)}};
  const auto& model = variant.first().config.model;
  const auto vocabulary = make_tokenizer(variant.first().config.data.tokenizer)->vocabulary();
  // The meta device knows shapes and holds no memory.
  const auto shapes = build_model(model, vocabulary, Initializer(0, at::kFloat, at::kMeta).for_loading());
  const auto parameters = count_parameters(model, *shapes.decoder);
  for (auto& run : runs) {
    auto& total = run.at("total");
    if (!total.is_null() && total.at("tokens").is_number()) {
      total["six_n_d"] = six_n_d(static_cast<double>(parameters.active), total.at("tokens"));
    }
  }
  const auto counted = counted_runs(runs);
  Json cost = Json::object(), total = Json::object(), before;
  for (const std::string name : kCosts) {
    cost[name] = mean_figure(counted, "/cost/" + name);
  }
  for (const std::string name : kTotals) {
    total[name] = mean_figure(counted, "/total/" + name);
    if (variant.first().continued()) {
      before[name] = mean_figure(counted, "/began_with/" + name);
    }
  }
  for (const std::string name : {"six_n_d", "kwh", "kg_co2e"}) {
    total[name] = mean_figure(counted, "/total/" + name);
  }
  Json routing;
  if (model.moe) {
    routing = {{"experts", model.moe->experts}, {"k", mean_slots(model)}};
    for (const auto& [name, unused] : kRouting) {
      routing[name] = mean_figure(counted, std::string("/moe/") + name);
    }
  }
  const auto per_token = flops_per_token(model, vocabulary);
  return {{"name", variant.name},
          {"full_name", variant.full_name},
          {"seeds", seeds},
          {"value", value},
          {"difference", Json()},
          {"cost", cost},
          {"began_with", before},
          {"total", total},
          {"parameters", {{"total", parameters.total}, {"active", parameters.active}}},
          {"flops_per_token", per_token.training_once_sparse()},
          {"flops_per_token_attention", 3 * per_token.attention},
          {"moe", routing},
          {"runs", runs}};
}

}  // namespace moe
