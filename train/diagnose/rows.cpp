#include "train/diagnose/rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "train/report/row_scalars.h"

namespace moe {
namespace {

// Mean of what was a number.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  // False for what is no number.
  bool add(double value) {
    if (!std::isfinite(value)) return false;
    sum += value;
    ++count;
    return true;
  }
  double value() const { return count > 0 ? sum / static_cast<double>(count) : NAN; }
};

struct Pool {
  std::vector<double> load;
  Mean max_vio, entropy, slots, empty, dropped, top_weight;
  std::vector<double> histogram;
  std::map<std::string, Mean> gate;
  std::map<std::string, std::vector<Mean>> gate_lists;
  int64_t batches = 0, unusable = 0, with_diagnostics = 0, with_top_weight = 0;
};

std::optional<std::vector<double>> load_in(const Json& layer, int64_t experts) {
  const auto found = layer.find("tokens_per_expert");
  if (found == layer.end() || !found->is_array() ||
      found->size() != static_cast<size_t>(experts)) {
    return std::nullopt;
  }
  std::vector<double> load;
  for (const auto& value : *found) {
    if (!value.is_number() || !(value.get<double>() >= 0)) return std::nullopt;
    load.push_back(value.get<double>());
  }
  return load;
}

// Whether `value` is a list of numbers, at least 0, of at most E + 1 bins.
bool add_histogram(const Json& value, int64_t experts, std::vector<double>& sum) {
  if (!value.is_array() || value.size() > static_cast<size_t>(experts) + 1) return false;
  std::vector<double> bins;
  for (const auto& bin : value) {
    if (!bin.is_number() || !(bin.get<double>() >= 0)) return false;
    bins.push_back(bin.get<double>());
  }
  sum.resize(std::max(sum.size(), bins.size()));
  for (size_t i = 0; i < bins.size(); ++i) sum[i] += bins[i];
  return true;
}

// Whether every entry is a number, and there are as many as in the rows before.
bool add_list(const Json& list, std::vector<Mean>& means) {
  if (means.empty()) means.resize(list.size());
  if (means.size() != list.size()) return false;
  bool usable = true;
  for (size_t i = 0; i < means.size(); ++i) {
    usable &= means[i].add(list[i].is_number() ? list[i].get<double>() : NAN);
  }
  return usable;
}

bool add_gate(const Json& gate, Pool& pool) {
  bool usable = true;
  for (const auto& [name, value] : gate.items()) {
    usable &= value.is_array() ? add_list(value, pool.gate_lists[name])
                               : pool.gate[name].add(value.is_number() ? value.get<double>() : NAN);
  }
  return usable;
}

// The figures of log.diagnostics. Rows of older runs have no histogram and no top_weight.
bool add_diagnostics(const Json& layer, int64_t experts, Pool& pool) {
  ++pool.with_diagnostics;
  bool usable = pool.entropy.add(number_in(layer, "entropy"));
  usable &= pool.empty.add(number_in(layer, "empty_tokens"));
  usable &= pool.dropped.add(number_in(layer, "dropped"));
  if (layer.contains("top_weight")) {
    ++pool.with_top_weight;
    usable &= pool.top_weight.add(number_in(layer, "top_weight"));
  }
  if (const auto histogram = layer.find("slots_histogram"); histogram != layer.end()) {
    usable &= add_histogram(*histogram, experts, pool.histogram);
  }
  if (const auto gate = layer.find("gate"); gate != layer.end() && gate->is_object()) {
    usable &= add_gate(*gate, pool);
  }
  return usable;
}

void add(const Json& layer, int64_t experts, Pool& pool) {
  ++pool.batches;
  bool usable = true;
  if (const auto load = load_in(layer, experts)) {
    pool.load.resize(load->size());
    for (size_t e = 0; e < load->size(); ++e) pool.load[e] += (*load)[e];
    usable &= pool.max_vio.add(max_violation(*load));
  } else {
    usable = false;
  }
  usable &= pool.slots.add(number_in(layer, "slots_per_token"));
  if (!without_diagnostics(layer)) usable &= add_diagnostics(layer, experts, pool);
  pool.unusable += usable ? 0 : 1;
}

// Calls `use` with every layer below `end` in these rows, and its number.
void each_layer(const std::vector<Json>& rows, int64_t end,
                const std::function<void(int64_t, const Json&)>& use) {
  for (const auto& row : rows) {
    const auto layers = row.find("moe");
    if (layers == row.end() || !layers->is_array()) continue;
    for (const auto& layer : *layers) {
      const double number = layer.is_object() ? number_in(layer, "layer") : NAN;
      if (number >= 0 && number < static_cast<double>(end)) use(static_cast<int64_t>(number), layer);
    }
  }
}

LayerDiagnosis finished(int64_t number, const Pool& pool, const RunConfig& config) {
  const auto& moe = *config.model.moe;
  LayerDiagnosis layer;
  layer.layer = number;
  layer.gate_kind = moe.gate_of(number).kind;
  layer.experts = moe.experts;
  layer.k = moe.slots(number);
  auto& load = layer.load;
  load.tokens_per_expert = pool.load;
  if (!pool.load.empty()) {
    load.max_vio = max_violation(pool.load);
    load.load_cv = load_variation(pool.load);
    load.dead_experts = std::count(pool.load.begin(), pool.load.end(), 0.0);
  }
  load.entropy = pool.entropy.value();
  load.slots_per_token = pool.slots.value();
  load.empty_tokens = pool.empty.value();
  load.dropped = pool.dropped.value();
  load.top_weight = pool.top_weight.value();
  load.slots_histogram = pool.histogram;
  for (const auto& [name, mean] : pool.gate) load.gate[name] = mean.value();
  for (const auto& [name, means] : pool.gate_lists) {
    for (const auto& mean : means) load.gate_lists[name].push_back(mean.value());
  }
  layer.diagnostics = pool.with_diagnostics > 0;
  layer.has_top_weight = pool.with_top_weight > 0 || !layer.diagnostics;
  layer.max_vio_batch = pool.max_vio.value();
  layer.batches = pool.batches;
  layer.tokens = static_cast<double>(pool.batches) * static_cast<double>(config.train.batch_tokens);
  layer.unusable = pool.unusable;
  note_unusable(layer);
  return layer;
}

}  // namespace

double number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : NAN;
}

std::vector<Json> last_train_rows(const std::vector<Json>& rows, size_t most) {
  std::vector<Json> last;
  for (auto row = rows.rbegin(); row != rows.rend() && last.size() < most; ++row) {
    if (row->value("split", Json()) == "train") last.push_back(*row);
  }
  std::reverse(last.begin(), last.end());
  return last;
}

std::vector<LayerDiagnosis> pool_rows(const std::vector<Json>& rows, const RunConfig& config) {
  std::map<int64_t, Pool> pools;
  each_layer(rows, config.model.layers, [&](int64_t number, const Json& layer) {
    add(layer, config.model.moe->experts, pools[number]);
  });
  std::vector<LayerDiagnosis> found;
  for (const auto& [number, pool] : pools) found.push_back(finished(number, pool, config));
  return found;
}

void add_ranks(const std::vector<Json>& rows, int64_t ranks, std::vector<LayerDiagnosis>& layers) {
  std::map<int64_t, LayerDiagnosis*> by_number;
  for (auto& layer : layers) {
    layer.ranks.emplace(ranks);
    by_number[layer.layer] = &layer;
  }
  const int64_t end = layers.empty() ? 0 : by_number.rbegin()->first + 1;
  each_layer(rows, end, [&](int64_t number, const Json& of_row) {
    auto& layer = *by_number.at(number);
    if (const auto load = load_in(of_row, layer.experts)) layer.ranks->add(*load);
  });
}

}  // namespace moe
