#include "train/compare/load_shift.h"

#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "train/compare/statistics.h"

namespace moe {
namespace {

struct LayerLoad {
  std::vector<double> tokens_per_expert;
  double max_vio = kNan;
};
using LayerLoads = std::map<int64_t, LayerLoad>;

LayerLoads loads_of(const EvalRecord& record, const std::string& objective) {
  LayerLoads loads;
  const auto layers = record.load.find(objective);
  if (layers == record.load.end() || !layers->is_array()) {
    return loads;
  }
  for (const auto& layer : *layers) {
    const auto number = layer.find("layer"), tokens = layer.find("tokens_per_expert"), vio = layer.find("max_vio");
    if (number == layer.end() || !number->is_number_integer()) {
      continue;
    }
    LayerLoad load;
    if (tokens != layer.end() && tokens->is_array()) {
      for (const auto& count : *tokens) {
        load.tokens_per_expert.push_back(count.is_number() ? count.get<double>() : kNan);
      }
    }
    load.max_vio = vio != layer.end() && vio->is_number() ? vio->get<double>() : kNan;
    loads[number->get<int64_t>()] = std::move(load);
  }
  return loads;
}

using SeedValues = std::vector<std::pair<int64_t, double>>;  // of each run that has it

// Figures of one layer under one objective.
struct LayerShift {
  SeedValues max_vio, max_vio_before, moved, from_causal;
};

void add_run(const RunRecord& run, const std::string& objective, std::map<int64_t, LayerShift>& shifts) {
  const auto& record = *run.final_evals();
  const auto settings = [](const EvalRecord& of, const std::string& name) {
    const auto found = of.load_settings.find(name);
    return found == of.load_settings.end() ? Json() : found->second;
  };
  const auto rows = settings(record, objective);
  const bool same_rows = run.before && settings(*run.before, objective) == rows;
  const auto before = same_rows ? loads_of(*run.before, objective) : LayerLoads();
  const bool beside_causal = objective != "causal" && settings(record, "causal") == rows;
  const auto causal = beside_causal ? loads_of(record, "causal") : LayerLoads();
  const auto add_finite = [&run](SeedValues& values, double value) {
    if (std::isfinite(value)) {
      values.emplace_back(run.config.run.seed, value);
    }
  };
  for (const auto& [layer, load] : loads_of(record, objective)) {
    auto& shift = shifts[layer];
    add_finite(shift.max_vio, load.max_vio);
    if (const auto old = before.find(layer); old != before.end()) {
      add_finite(shift.max_vio_before, old->second.max_vio);
      add_finite(shift.moved, load_distance(old->second.tokens_per_expert, load.tokens_per_expert));
    }
    if (const auto other = causal.find(layer); other != causal.end()) {
      add_finite(shift.from_causal, load_distance(other->second.tokens_per_expert, load.tokens_per_expert));
    }
  }
}

// Over seeds.
Json mean_or_null(const SeedValues& values) {
  std::vector<double> seeds;
  for (const auto& [seed, value] : mean_by_seed(values)) {
    seeds.push_back(value);
  }
  return seeds.empty() ? Json() : Json(mean(seeds));
}

Json objective_figures(const Variant& variant, const std::string& objective) {
  std::map<int64_t, LayerShift> shifts;
  for (const auto& run : variant.runs) {
    if (run.final_evals() != nullptr) {
      add_run(run, objective, shifts);
    }
  }
  Json layers = Json::array();
  for (const auto& [layer, shift] : shifts) {
    layers.push_back({{"layer", layer},
                      {"max_vio", mean_or_null(shift.max_vio)},
                      {"max_vio_before", mean_or_null(shift.max_vio_before)},
                      {"moved", mean_or_null(shift.moved)},
                      {"from_causal", mean_or_null(shift.from_causal)}});
  }
  return layers;
}

// In the order of the records: causal first where moe-eval has it first.
std::vector<std::string> objectives_of(const Variant& variant) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& run : variant.runs) {
    if (const auto* record = run.final_evals()) {
      for (const auto& [objective, layers] : record->load.items()) {
        if (seen.insert(objective).second) {
          names.push_back(objective);
        }
      }
    }
  }
  return names;
}

}  // namespace

double load_distance(const std::vector<double>& a, const std::vector<double>& b) {
  const double all_a = std::accumulate(a.begin(), a.end(), 0.0), all_b = std::accumulate(b.begin(), b.end(), 0.0);
  if (a.size() != b.size() || !(all_a > 0) || !(all_b > 0)) {
    return kNan;
  }
  double apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    apart += std::abs(a[i] / all_a - b[i] / all_b);
  }
  return apart / 2;
}

Json load_figures(const std::vector<Variant>& variants) {
  Json rows = Json::array();
  for (const auto& variant : variants) {
    Json objectives = Json::object();
    for (const auto& objective : objectives_of(variant)) {
      if (auto layers = objective_figures(variant, objective); !layers.empty()) {
        objectives[objective] = std::move(layers);
      }
    }
    if (!objectives.empty()) {
      rows.push_back({{"name", variant.name}, {"objectives", objectives}});
    }
  }
  return rows.empty() ? Json() : rows;
}

}  // namespace moe
