// What a gate did, as sums that add up over micro-batches and ranks. Detached, on the device: nothing
// here waits for it. Turned into the figures of metrics.jsonl by gates/load_metrics.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/torch.h"

namespace moe {

struct Routing;

struct GateStats {
  Tensor tokens_per_expert;  // [E] float64: live slots of each expert
  Tensor tokens;             // scalar: valid tokens
  Tensor live_slots;         // scalar
  // Diagnostics, undefined where ForwardContext::diagnostics is off:
  Tensor empty_tokens;       // scalar: valid tokens without a live slot
  Tensor dropped_slots;      // scalar: chosen, then lost to capacity
  Tensor entropy;            // scalar: sum over tokens of H(distribution over experts), nats
  Tensor slots_histogram;    // [E + 1]: valid tokens with 0 .. E live slots
  Tensor top_weight;         // scalar: sum over served tokens of largest weight / sum of weights
  Tensor distribution;       // [T, E]: what the entropy is of; not kept when statistics are added up
  // A gate's own figures: name -> {sum, count}; the figure is sum / count.
  struct Mean {
    Tensor sum;    // float64: a scalar, or [n] for a list of n figures
    Tensor count;  // scalar, float64
  };
  std::map<std::string, Mean> gate;
  // Of the gates that this gate is made of (hierarchical), for their end_step(); empty for all others.
  // Layers of one kind may be made differently: then there is no sum, and none is kept.
  std::vector<GateStats> parts;

  bool defined() const { return tokens.defined(); }
  GateStats& operator+=(const GateStats& other);
};

// `distribution` [T, E] is what the entropy is taken of: rows need not sum to 1 and are normalised;
// a row of zeros has entropy 0. `dropped` [T, K] bool, or undefined: nothing was dropped. `valid` [T]
// bool, or undefined: all tokens. `diagnostics` as in ForwardContext.
GateStats gate_stats(const Routing& routing, const Tensor& distribution, const Tensor& dropped,
                     const Tensor& valid, bool diagnostics = true);

// {sum, count} of a figure [T], or of n figures [T, n], over valid tokens.
GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid);

}  // namespace moe
