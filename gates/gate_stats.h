// What a gate did, as sums that add up over micro-batches and ranks, all of them float64. Detached, on the
// device: nothing here waits for it. Every rank has the same ones, whatever its tokens. Turned into the
// figures of metrics.jsonl by gates/load_metrics.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/torch.h"

namespace moe {

struct Routing;

struct GateStats {
  Tensor tokens_per_expert;  // [E]: live slots of each expert
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
    Tensor sum;    // a scalar, or [n] for a list of n figures
    Tensor count;  // scalar
  };
  std::map<std::string, Mean> gate;
  // Of the gates that this gate is made of (hierarchical), for their end_step(); empty for all others.
  // Layers of one kind may be made differently: then there is no sum, and none is kept.
  std::vector<GateStats> parts;

  bool defined() const { return tokens.defined(); }
  GateStats& operator+=(const GateStats& other);
};

// Every tensor that adds up over ranks, those of the parts too, in an order that is the same on all of them;
// without those that are undefined, and without `distribution`. So the statistics of all layers add up in one
// collective: put together, summed and put back. They point into `stats`.
std::vector<Tensor*> summed_tensors(GateStats& stats);

// `distribution` [T, E] is what the entropy is taken of: rows need not sum to 1 and are normalised;
// a row of zeros has entropy 0. `dropped` [T, K] bool, or undefined: nothing was dropped. `valid` [T]
// bool, or undefined: all tokens. `diagnostics` as in ForwardContext.
GateStats gate_stats(const Routing& routing, const Tensor& distribution, const Tensor& dropped,
                     const Tensor& valid, bool diagnostics = true);

// {sum, count} of a figure [T], or of n figures [T, n], over valid tokens.
GateStats::Mean mean_over(const Tensor& per_token, const Tensor& valid);

}  // namespace moe
