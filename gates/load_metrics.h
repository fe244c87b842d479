// Expert-load figures of a step, from the sums in GateStats. Plain numbers, for metrics.jsonl.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gates/gate_stats.h"

namespace moe {

// What was not asked for (ForwardContext::diagnostics) is not a number.
struct LoadMetrics {
  std::vector<double> tokens_per_expert;
  double max_vio = 0;          // (max - mean) / mean of the load (Wang et al. 2024, 2408.15664)
  double load_cv = 0;          // population deviation / mean of the load
  int64_t dead_experts = 0;    // experts with no token
  double entropy = 0;          // mean over tokens of H(distribution over experts), nats
  double slots_per_token = 0;  // mean of live slots
  double empty_tokens = 0;     // share of tokens without a live slot
  double dropped = 0;          // share of chosen slots lost to capacity
  double top_weight = 0;       // mean over served tokens of largest weight / sum of weights
  std::vector<double> slots_histogram;  // tokens with 0, 1, ... live slots, to the last that is not 0
  std::map<std::string, double> gate;
  std::map<std::string, std::vector<double>> gate_lists;  // of those that are lists
};

// Waits for the device: call it only for steps that are logged.
LoadMetrics load_metrics(const GateStats& stats);

// The figures of a load alone; 0 for an idle layer.
double max_violation(const std::vector<double>& load);
double load_variation(const std::vector<double>& load);

}  // namespace moe
