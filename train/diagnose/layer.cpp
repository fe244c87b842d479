#include "train/diagnose/layer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "train/gate_level.h"

namespace moe {
namespace {

constexpr const char* kNotOfEveryLayer[] = {
    "top_weight",   "margin",            "marginal_entropy",   "mutual_information",
    "coactivation", "class_information", "source_information", "saturation",
    "flips",        "rank_wait",         "rank_wait_worst"};
const std::string kOfGate = "gate.";

double sum_of(const std::vector<double>& load) {
  return std::accumulate(load.begin(), load.end(), 0.0);
}

// Share of the `count` busiest experts in the load; 0 for an idle layer.
double top_share(std::vector<double> load, int64_t count) {
  const auto taken = std::min<int64_t>(count, static_cast<int64_t>(load.size()));
  std::partial_sort(load.begin(), load.begin() + taken, load.end(), std::greater<>());
  const double total = sum_of(load);
  return total == 0 ? 0 : std::accumulate(load.begin(), load.begin() + taken, 0.0) / total;
}

// 0: the k busiest experts have no more than their fair share; 1: they have all.
double concentration(const LayerDiagnosis& layer) {
  const double fair = static_cast<double>(layer.k) / static_cast<double>(layer.experts);
  if (fair >= 1 || sum_of(layer.load.tokens_per_expert) == 0) {
    return 0;
  }
  return (top_share(layer.load.tokens_per_expert, layer.k) - fair) / (1 - fair);
}

template <class Wanted>
std::vector<int64_t> experts_where(const LayerDiagnosis& layer, Wanted wanted) {
  const auto& load = layer.load.tokens_per_expert;
  const double fair = sum_of(load) / static_cast<double>(load.size());
  std::vector<int64_t> found;
  for (size_t e = 0; e < load.size(); ++e) {
    if (wanted(load[e], fair)) found.push_back(static_cast<int64_t>(e));
  }
  return found;
}

Json specialisation_json(const Specialisation& found) {
  if (found.groups.empty()) return {};
  const auto shares = found.shares(), lifts = found.lifts();
  auto json = Json::object();
  for (size_t c = 0; c < found.groups.size(); ++c) {
    json[found.groups[c]] = {
        {"tokens", found.tokens[c]}, {"share", shares[c]}, {"lift", lifts[c]}};
  }
  return json;
}

// What is measured of routed text alone, and of ranks; all keys are always there.
void add_routing(const LayerDiagnosis& layer, Json& json) {
  const auto& routing = layer.routing;
  json["coactivation_matrix"] =
      routing && !routing->coactivation.empty() ? Json(routing->coactivation) : Json();
  json["by_class"] = routing ? specialisation_json(routing->by_class) : Json();
  json["by_source"] = routing ? specialisation_json(routing->by_source) : Json();
  json["ranks"] = nullptr;
  if (const auto& ranks = layer.ranks) {
    json["ranks"] = {
        {"rows", ranks->rows}, {"busiest", ranks->busiest}, {"batches", ranks->batches}};
  }
  json["saturation_by_chance"] = layer.agreement ? Json(layer.agreement->chance) : Json();
}

}  // namespace

std::vector<int64_t> LayerDiagnosis::dead() const {
  return experts_where(*this, [](double load, double) { return load == 0; });
}

std::vector<int64_t> LayerDiagnosis::starving() const {
  return experts_where(*this, [](double load, double fair) {
    return load > 0 && load < kStarvingShare * fair;
  });
}

std::vector<std::pair<std::string, double>> layer_figures(const LayerDiagnosis& layer) {
  const auto& load = layer.load;
  const bool any = !load.tokens_per_expert.empty();
  const double E = static_cast<double>(layer.experts);
  const auto of_load = [any](double value) { return any ? value : NAN; };
  std::vector<std::pair<std::string, double>> figures = {
      {"max_vio", of_load(load.max_vio)},
      {"max_vio_batch", of_load(layer.max_vio_batch)},
      {"load_cv", of_load(load.load_cv)},
      {"dead_experts", of_load(static_cast<double>(load.dead_experts))},
      {"starving_experts", of_load(static_cast<double>(layer.starving().size()))},
      {"top_share", of_load(any ? top_share(load.tokens_per_expert, 1) : 0)},
      {"concentration", of_load(any ? concentration(layer) : 0)},
      {"entropy", load.entropy},
      {"entropy_share", layer.experts > 1 ? load.entropy / std::log(E) : 0},
      {"slots_per_token", load.slots_per_token},
      {"slots_per_k", load.slots_per_token / static_cast<double>(layer.k)},
      {"slots_per_expert", of_load(sum_of(load.tokens_per_expert) / E)},
      {"empty_tokens", load.empty_tokens},
      {"dropped", layer.limited ? layer.limited->dropped : load.dropped},
      {"unusable_batches", static_cast<double>(layer.unusable)}};
  if (layer.has_top_weight) figures.emplace_back("top_weight", load.top_weight);
  if (const auto& routing = layer.routing) {
    if (routing->has_p) {
      figures.insert(figures.end(), {{"margin", routing->margin},
                                     {"marginal_entropy", routing->marginal_entropy},
                                     {"mutual_information", routing->mutual_information}});
    }
    if (!routing->coactivation.empty()) {
      figures.emplace_back("coactivation", routing->closest.share);
    }
    figures.emplace_back("class_information", routing->by_class.information());
    if (!routing->by_source.groups.empty()) {
      figures.emplace_back("source_information", routing->by_source.information());
    }
  }
  if (const auto& agreement = layer.agreement) {
    figures.emplace_back("saturation", agreement->saturation);
    figures.emplace_back("flips", 1 - agreement->saturation);
  }
  if (const auto& ranks = layer.ranks) {
    figures.emplace_back("rank_wait", ranks->wait());
    figures.emplace_back("rank_wait_worst", ranks->worst);
  }
  for (const auto& [name, value] : load.gate) {
    figures.emplace_back(kOfGate + name, value);
  }
  return figures;
}

std::optional<double> layer_figure(const LayerDiagnosis& layer, const std::string& name) {
  for (const auto& [known, value] : layer_figures(layer)) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<FoundFigure> figures_called(const LayerDiagnosis& layer, const std::string& name) {
  const auto is_of_gate = [](const std::string& text) { return text.rfind(kOfGate, 0) == 0; };
  const auto in_gate = is_of_gate(name) ? name.substr(kOfGate.size()) : name;
  std::vector<FoundFigure> found;
  for (const auto& [known, value] : layer_figures(layer)) {
    if (!is_of_gate(known)) {  // these come first
      if (known == name) return {FoundFigure{known, "", value}};
    } else if (const auto level = gate_level(known.substr(kOfGate.size()), in_gate)) {
      found.push_back({known, *level, value});
    }
  }
  return found;
}

void note_unusable(LayerDiagnosis& layer) {
  const auto figures = layer_figures(layer);
  // Figures that were not asked for are no sign of a fault.
  const std::set<std::string> of_diagnostics = {"entropy", "entropy_share", "empty_tokens", "dropped",
                                                "top_weight"};
  const bool all_numbers = std::all_of(figures.begin(), figures.end(), [&](const auto& figure) {
    return std::isfinite(figure.second) ||
           (!layer.diagnostics && of_diagnostics.count(figure.first) > 0);
  });
  if (!all_numbers) layer.unusable = std::max<int64_t>(layer.unusable, 1);
}

Json layer_json(const LayerDiagnosis& layer) {
  Json json = {{"layer", layer.layer},
               {"gate_kind", layer.gate_kind},
               {"experts", layer.experts},
               {"k", layer.k},
               {"tokens_per_expert", layer.load.tokens_per_expert},
               {"batches", layer.batches}};
  json["gate"] = Json::object();
  for (const auto& [name, value] : layer_figures(layer)) {
    if (name.rfind(kOfGate, 0) == 0) {
      json["gate"][name.substr(kOfGate.size())] = value;
    } else {
      json[name] = value;
    }
  }
  for (const auto& [name, values] : layer.load.gate_lists) json["gate"][name] = values;
  for (const char* name : kNotOfEveryLayer) {
    if (!json.contains(name)) json[name] = nullptr;
  }
  json["slots_histogram"] = layer.load.slots_histogram;
  json["limited"] = nullptr;
  if (const auto& limited = layer.limited) {
    json["limited"] = {{"tokens_per_expert", limited->tokens_per_expert},
                       {"max_vio", limited->max_vio},
                       {"slots_per_token", limited->slots_per_token},
                       {"empty_tokens", limited->empty_tokens},
                       {"dropped", limited->dropped}};
  }
  add_routing(layer, json);
  return json;
}

}  // namespace moe
