// What a gate did, as sums that add up over micro-batches and ranks. Detached, on the device: nothing
// here waits for it. Turned into the figures of metrics.jsonl by gates/load_metrics.h.
#pragma once

#include <map>
#include <string>

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
  // A gate's own figures: name -> {sum, count}; the figure is sum / count.
  struct Mean {
    Tensor sum, count;  // scalars, float64
  };
  std::map<std::string, Mean> gate;

  bool defined() const { return tokens.defined(); }
  GateStats& operator+=(const GateStats& other);
};

// `distribution` [T, E] is what the entropy is taken of: rows need not sum to 1 and are normalised;
// a row of zeros has entropy 0. `dropped` [T, K] bool, or undefined: nothing was dropped. `valid` [T]
// bool, or undefined: all tokens. `diagnostics` as in ForwardContext.
GateStats gate_stats(const Routing& routing, const Tensor& distribution, const Tensor& dropped,
                     const Tensor& valid, bool diagnostics = true);

// {sum, count} of a figure [T] over valid tokens.
GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid);

}  // namespace moe
