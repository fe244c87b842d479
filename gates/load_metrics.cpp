#include "gates/load_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moe {
namespace {

double mean_of(const std::vector<double>& load) {
  return std::accumulate(load.begin(), load.end(), 0.0) / static_cast<double>(load.size());
}

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double value_of(const Tensor& scalar) {
  return scalar.defined() ? scalar.item<double>() : std::numeric_limits<double>::quiet_NaN();
}

// A vector on the host; empty where undefined.
std::vector<double> values_of(const Tensor& vector) {
  if (!vector.defined()) {
    return {};
  }
  const auto host = vector.cpu().contiguous();
  return {host.data_ptr<double>(), host.data_ptr<double>() + host.numel()};
}

}  // namespace

double max_violation(const std::vector<double>& load) {
  const double mean = mean_of(load);
  return mean > 0 ? *std::max_element(load.begin(), load.end()) / mean - 1 : 0;
}

double load_variation(const std::vector<double>& load) {
  const double mean = mean_of(load);
  double square = 0;
  for (const double x : load) {
    square += (x - mean) * (x - mean);
  }
  return ratio(std::sqrt(square / static_cast<double>(load.size())), mean);
}

LoadMetrics load_metrics(const GateStats& stats) {
  LoadMetrics m;
  m.tokens_per_expert = values_of(stats.tokens_per_expert);
  m.max_vio = max_violation(m.tokens_per_expert);
  m.load_cv = load_variation(m.tokens_per_expert);
  m.dead_experts = std::count(m.tokens_per_expert.begin(), m.tokens_per_expert.end(), 0.0);
  const double tokens = stats.tokens.item<double>();
  const double live = stats.live_slots.item<double>();
  const double dropped = value_of(stats.dropped_slots);
  m.entropy = ratio(value_of(stats.entropy), tokens);
  m.slots_per_token = ratio(live, tokens);
  m.empty_tokens = ratio(value_of(stats.empty_tokens), tokens);
  m.dropped = dropped > 0 ? dropped / (live + dropped) : dropped;
  const double empty = value_of(stats.empty_tokens);
  m.top_weight = empty == tokens ? 0 : value_of(stats.top_weight) / (tokens - empty);
  m.slots_histogram = values_of(stats.slots_histogram);
  while (!m.slots_histogram.empty() && m.slots_histogram.back() == 0) {
    m.slots_histogram.pop_back();
  }
  for (const auto& [name, mean] : stats.gate) {
    const double count = mean.count.item<double>();
    if (mean.sum.dim() == 0) {
      m.gate[name] = ratio(mean.sum.item<double>(), count);
      continue;
    }
    for (const double sum : values_of(mean.sum)) {
      m.gate_lists[name].push_back(ratio(sum, count));
    }
  }
  return m;
}

}  // namespace moe
