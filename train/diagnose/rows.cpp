#include "train/diagnose/rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "train/compare/statistics.h"

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
  double value() const { return count > 0 ? sum / static_cast<double>(count) : kNan; }
};

struct Pool {
  std::vector<double> load;
  Mean max_vio, entropy, slots, empty, dropped;
  std::map<std::string, Mean> gate;
  int64_t batches = 0, unusable = 0;
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
  usable &= pool.entropy.add(number_in(layer, "entropy"));
  usable &= pool.slots.add(number_in(layer, "slots_per_token"));
  usable &= pool.empty.add(number_in(layer, "empty_tokens"));
  usable &= pool.dropped.add(number_in(layer, "dropped"));
  if (const auto gate = layer.find("gate"); gate != layer.end() && gate->is_object()) {
    for (const auto& [name, value] : gate->items()) {
      usable &= pool.gate[name].add(value.is_number() ? value.get<double>() : kNan);
    }
  }
  pool.unusable += usable ? 0 : 1;
}

LayerDiagnosis finished(int64_t number, const Pool& pool, const MoeConfig& config) {
  LayerDiagnosis layer;
  layer.layer = number;
  layer.gate_kind = config.gate_of(number).kind;
  layer.experts = config.experts;
  layer.k = config.slots(number);
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
  for (const auto& [name, mean] : pool.gate) load.gate[name] = mean.value();
  layer.max_vio_batch = pool.max_vio.value();
  layer.batches = pool.batches;
  layer.unusable = pool.unusable;
  note_unusable(layer);
  return layer;
}

}  // namespace

double number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : kNan;
}

std::vector<Json> last_train_rows(const std::vector<Json>& rows, size_t most) {
  std::vector<Json> last;
  for (auto row = rows.rbegin(); row != rows.rend() && last.size() < most; ++row) {
    if (row->value("split", Json()) == "train") last.push_back(*row);
  }
  std::reverse(last.begin(), last.end());
  return last;
}

std::vector<LayerDiagnosis> pool_rows(const std::vector<Json>& rows, const ModelConfig& model) {
  const int64_t experts = model.moe->experts;
  std::map<int64_t, Pool> pools;
  for (const auto& row : rows) {
    const auto layers = row.find("moe");
    if (layers == row.end() || !layers->is_array()) continue;
    for (const auto& layer : *layers) {
      const double number = layer.is_object() ? number_in(layer, "layer") : kNan;
      if (number >= 0 && number < static_cast<double>(model.layers)) {
        add(layer, experts, pools[static_cast<int64_t>(number)]);
      }
    }
  }
  std::vector<LayerDiagnosis> found;
  for (const auto& [number, pool] : pools) found.push_back(finished(number, pool, *model.moe));
  return found;
}

}  // namespace moe
