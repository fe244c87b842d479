#include "train/compare/metric_series.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/compare/statistics.h"
#include "train/gate_level.h"

namespace moe {
namespace {

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

bool is_value(const Json& value) { return value.is_number() || value.is_null(); }

// Follows a dotted path. A key may hold dots itself, so every key that fits is tried.
std::optional<double> find_value(const Json& object, const std::string& path) {
  for (const auto& [key, value] : object.items()) {
    if (key == path && is_value(value)) {
      return value.is_null() ? kNan : value.get<double>();
    }
    if (value.is_object() && starts_with(path, key + ".")) {
      if (const auto found = find_value(value, path.substr(key.size() + 1))) {
        return found;
      }
    }
  }
  return std::nullopt;
}

void add_names(const Json& object, const std::string& prefix, std::set<std::string>& names) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      add_names(value, prefix + key + ".", names);
    } else if (is_value(value)) {
      names.insert(prefix + key);
    }
  }
}

// Of a layer's own figures, else of its gate's: of a gate made of gates the mean over its levels.
std::optional<double> find_in_layer(const Json& layer, const std::string& path) {
  if (!layer.is_object()) {
    return std::nullopt;
  }
  if (const auto own = find_value(layer, path)) {
    return own;
  }
  const auto gate = layer.find("gate");
  if (gate == layer.end() || !gate->is_object()) {
    return std::nullopt;
  }
  const auto name = starts_with(path, "gate.") ? path.substr(5) : path;
  std::vector<double> levels;
  for (const auto& [figure, unused] : gate->items()) {
    const auto value = gate_level(figure, name) ? find_value(*gate, figure) : std::nullopt;
    if (value) {
      levels.push_back(*value);
    }
  }
  return levels.empty() ? std::nullopt : std::optional(mean(levels));
}

std::optional<double> mean_over_layers(const Json& row, const std::string& path) {
  const auto layers = row.find("moe");
  std::vector<double> values;
  if (layers != row.end() && layers->is_array()) {
    for (const auto& layer : *layers) {
      if (const auto value = find_in_layer(layer, path)) {
        values.push_back(*value);
      }
    }
  }
  return values.empty() ? std::nullopt : std::optional(mean(values));
}

}  // namespace

bool is_train_metric(const std::string& metric) {
  return starts_with(metric, "train.") || starts_with(metric, "moe.");
}

bool is_eval_metric(const std::string& metric) { return starts_with(metric, "eval."); }

std::vector<MetricPoint> metric_series(const std::vector<Json>& rows, const std::string& metric) {
  const bool of_eval = is_eval_metric(metric), of_train = is_train_metric(metric);
  const std::string split = of_eval ? "eval" : of_train ? "train" : "valid";
  const bool over_layers = starts_with(metric, "moe.");
  const auto path = of_eval || of_train ? metric.substr(metric.find('.') + 1) : metric;
  std::vector<MetricPoint> series;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].at("split") != split) {
      continue;
    }
    const auto value = over_layers ? mean_over_layers(rows[i], path)
                       : of_eval   ? find_value(rows[i].at("tasks"), path)
                                   : find_value(rows[i], path);
    if (value) {
      series.push_back({rows[i].at("step"), *value, i});
    }
  }
  return series;
}

std::set<std::string> metric_names(const std::vector<Json>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) {
    const std::string split = row.at("split");
    if (split == "valid") {
      add_names(row, "", names);
    } else if (split == "eval") {
      add_names(row.at("tasks"), "eval.", names);
    } else if (split == "train") {
      add_names(row, "train.", names);
      if (const auto layers = row.find("moe"); layers != row.end() && layers->is_array()) {
        for (const auto& layer : *layers) {
          add_names(layer, "moe.", names);
        }
      }
    }
  }
  // Coordinates of a row, not measurements.
  for (const char* coordinate : {"step", "train.step", "moe.layer"}) {
    names.erase(coordinate);
  }
  return names;
}

double final_value(const std::vector<MetricPoint>& series, const std::string& metric) {
  if (!std::isfinite(series.back().value)) {
    return kNan;
  }
  const size_t count = is_train_metric(metric) ? std::max<size_t>(1, series.size() / 10) : 1;
  std::vector<double> values;
  for (size_t i = series.size() - count; i < series.size(); ++i) {
    if (std::isfinite(series[i].value)) {  // else a bad step, which the run went on from
      values.push_back(series[i].value);
    }
  }
  return mean(values);
}

}  // namespace moe
