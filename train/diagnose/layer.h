// What one layer's gate did over some batches, as moe-diagnose shows and judges it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/metrics_file.h"
#include "gates/load_metrics.h"

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
  double max_vio_batch = 0;  // mean over batches of each one's max_vio
  int64_t batches = 0;
  int64_t unusable = 0;      // batches with a figure that was not a number
  // The same text again with the capacity that training has; only from a checkpoint whose gate has
  // one, since evaluation drops nothing.
  std::optional<LoadMetrics> limited;

  std::vector<int64_t> dead() const;      // experts without a token
  std::vector<int64_t> starving() const;
};

// Every figure by the name that --fail-on and --json know, in the order of docs/diagnostics.md, the
// gate's own as gate.NAME at the end.
std::vector<std::pair<std::string, double>> layer_figures(const LayerDiagnosis& layer);

// Nothing for a figure that this layer does not have. A gate's figure is found without `gate.` too.
std::optional<double> layer_figure(const LayerDiagnosis& layer, const std::string& name);

// Marks a layer with a figure that is not a number, from wherever it came.
void note_unusable(LayerDiagnosis& layer);

// {layer, gate_kind, experts, k, tokens_per_expert, batches, every figure by name (the gate's in `gate`),
// limited: null or {tokens_per_expert, max_vio, slots_per_token, empty_tokens, dropped}}.
Json layer_json(const LayerDiagnosis& layer);

}  // namespace moe
