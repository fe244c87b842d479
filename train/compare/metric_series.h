// One metric of one run over its steps, by name.
//
// A name is a path into the rows of metrics.jsonl:
//   bits_per_byte, loss, objectives.causal          of validation
//   train.loss, train.lr, train.aux.entropy         of training rows
//   moe.slots_per_token, moe.gate.saturated_bits    of training rows, the mean over the layers
//   eval.prefix.exact_match                         of eval.jsonl, by the task's name
// A gate's figure is found without `gate.` too, as moe-compare's report names it; of a gate made of gates
// moe.gate.NAME is the mean over its levels, and moe.gate.inner.NAME one level's.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"

namespace moe {

struct MetricPoint {
  int64_t step = 0;
  double value = 0;  // NaN where the run wrote null: it was not finite
  size_t row = 0;    // index into the run's rows
};

// In the order of the rows; those without the metric are left out.
std::vector<MetricPoint> metric_series(const std::vector<Json>& rows, const std::string& metric);

// Every name that metric_series finds something for.
std::set<std::string> metric_names(const std::vector<Json>& rows);

// Whether the rows it comes from are training's, single batches and so noisy.
bool is_train_metric(const std::string& metric);

// Whether it is a task's of eval.jsonl.
bool is_eval_metric(const std::string& metric);

// What a run ended with: of validation the last value; of training the mean over the last tenth of
// the rows, one at least, of those that are finite. NaN when the last is not. Requires a series that is
// not empty.
double final_value(const std::vector<MetricPoint>& series, const std::string& metric);

}  // namespace moe
