// What one layer's gate did over some batches, as moe-diagnose shows and judges it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/metrics_file.h"
#include "gates/load_metrics.h"
#include "train/routed/rank_load.h"
#include "train/routed/routing_tally.h"

namespace moe {

// An expert starves when it has some load, but less than this share of the fair one. Without a
// source: at 10 % of the tokens it learns from, an expert is left behind.
constexpr double kStarvingShare = 0.1;

struct LayerDiagnosis {
  int64_t layer = 0;
  std::string gate_kind;
  int64_t experts = 0;  // E
  int64_t k = 0;        // slots of a token once the gate is sparse
  // Loads summed over the batches, the other figures their means; NaN where none was a number.
  LoadMetrics load;
  bool has_top_weight = true;  // false: rows of older runs, which have none
  double max_vio_batch = 0;    // mean over batches of each one's max_vio
  int64_t batches = 0;
  double tokens = 0;           // of all batches
  int64_t unusable = 0;        // batches with a figure that was not a number
  bool diagnostics = true;     // false: all rows were written without log.diagnostics
  // The same text again with the capacity that training has; only from a checkpoint whose gate has
  // one, since evaluation drops nothing.
  std::optional<LoadMetrics> limited;
  std::optional<RoutingFigures> routing;  // only from routed text
  std::optional<RankLoad> ranks;          // --ranks
  struct ToReference {
    double saturation = 0;
    double chance = 0;  // what that would be were the choices independent
  };
  std::optional<ToReference> agreement;   // --against, where the reference chose anything

  std::vector<int64_t> dead() const;      // experts without a token
  std::vector<int64_t> starving() const;
};

// Every figure by the name that --fail-on and --json know, in the order of docs/diagnostics.md, the
// gate's own as gate.NAME at the end.
std::vector<std::pair<std::string, double>> layer_figures(const LayerDiagnosis& layer);

// Nothing for a figure that this layer does not have.
std::optional<double> layer_figure(const LayerDiagnosis& layer, const std::string& name);

struct FoundFigure {
  std::string name;   // of layer_figures()
  std::string level;  // of which gate in the layer's gate: see train/gate_level.h
  double value = 0;
};
// All that `name` can mean: a gate's figure is found without `gate.` too, and whatever gate within the
// layer's gate it is of. Empty where the layer has none.
std::vector<FoundFigure> figures_called(const LayerDiagnosis& layer, const std::string& name);

// Marks a layer with a figure that is not a number, from wherever it came.
void note_unusable(LayerDiagnosis& layer);

// {layer, gate_kind, experts, k, tokens_per_expert, batches, every figure by name (null where this layer
// does not have it; the gate's in `gate`, a number or a list each),
// slots_histogram: tokens with 0, 1, ... live slots,
// limited: null or {tokens_per_expert, max_vio, slots_per_token, empty_tokens, dropped},
// coactivation_matrix: null or a list for each expert i with the share of its tokens that expert j has,
// by_class, by_source: null or {name: {tokens, share: of each expert, lift: of each expert}},
// ranks: null or {rows: of each rank, busiest: batches in which each rank was, batches},
// saturation_by_chance: null or a number}.
Json layer_json(const LayerDiagnosis& layer);

}  // namespace moe
