#include "train/report/row_scalars.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace moe {
namespace {

void add_numbers(const Json& object, const std::string& prefix, Scalars& scalars) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      add_numbers(value, prefix + key + ".", scalars);
    } else if (value.is_number() || value.is_null()) {
      scalars.emplace_back(prefix + key, value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                         : value.get<double>());
    }
  }
}

// A row that is not written yet has NaN where it will have null.
bool is_null_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() &&
         (found->is_null() || (found->is_number() && std::isnan(found->get<double>())));
}

// Of one layer: without its number, which is the coordinate.
Scalars layer_scalars(Json layer) {
  layer.erase("layer");
  Scalars scalars;
  add_numbers(layer, "moe.", scalars);
  return scalars;
}

void add_layers(const Json& layers, Scalars& scalars) {
  if (layers.size() < kMostLayers) {
    for (size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].is_object()) {
        const auto place = "/layer_" + std::to_string(layer_number(layers[i], i));
        for (const auto& [name, value] : layer_scalars(layers[i])) {
          scalars.emplace_back(name + place, value);
        }
      }
    }
    return;
  }
  std::map<std::string, std::vector<double>> over_layers;
  for (const auto& layer : layers) {
    if (layer.is_object()) {
      for (const auto& [name, value] : layer_scalars(layer)) {
        over_layers[name].push_back(value);
      }
    }
  }
  for (const auto& [name, values] : over_layers) {
    double sum = 0;
    for (const double value : values) {
      sum += value;
    }
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    scalars.emplace_back(name + "/mean", sum / static_cast<double>(values.size()));
    scalars.emplace_back(name + "/min", *low);
    scalars.emplace_back(name + "/max", *high);
  }
}

}  // namespace

int64_t layer_number(const Json& layer, size_t place) {
  const auto found = layer.find("layer");
  return found != layer.end() && found->is_number_integer() ? found->get<int64_t>()
                                                            : static_cast<int64_t>(place);
}

void erase_unasked(Json& row) {
  for (const char* name : {"mfu", "joules"}) {  // null where nobody knows them
    if (is_null_in(row, name)) {
      row.erase(name);
    }
  }
  const auto layers = row.find("moe");
  for (size_t i = 0; layers != row.end() && layers->is_array() && i < layers->size(); ++i) {
    auto& layer = (*layers)[i];
    if (layer.is_object() && without_diagnostics(layer)) {
      for (const char* name : {"entropy", "empty_tokens", "dropped", "top_weight"}) {
        layer.erase(name);
      }
    }
  }
}

Scalars row_scalars(Json row) {
  erase_unasked(row);
  Json layers;
  if (const auto found = row.find("moe"); found != row.end()) {
    layers = std::move(*found);
  }
  row.erase("step");
  row.erase("moe");
  Scalars scalars;
  const auto split = row.find("split");
  if (split != row.end() && split->is_string()) {
    add_numbers(row, split->get<std::string>() + "/", scalars);
  }
  if (layers.is_array()) {
    add_layers(layers, scalars);
  }
  return scalars;
}

bool without_diagnostics(const Json& layer) {
  const auto histogram = layer.find("slots_histogram");
  return is_null_in(layer, "entropy") && histogram != layer.end() && histogram->is_array() &&
         histogram->empty();
}

}  // namespace moe
