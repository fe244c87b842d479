// Rows of metrics.jsonl (docs/design.md, "metrics.jsonl").
#pragma once

#include <limits>
#include <map>
#include <vector>

#include "data/formats/metrics_file.h"
#include "gates/load_metrics.h"
#include "train/evaluate.h"
#include "train/trainer.h"

namespace moe {

// Expert load by layer. Waits for the device.
std::map<int64_t, LoadMetrics> layer_loads(const StepResult& step);

// Since the last row.
struct StepRates {
  double tokens_per_second = 0;
  double tflops = 0;  // of the live slots, as `flops` counts, times 1e12 a second
  // Share of the machine's peak (log.peak_tflops); not a number where that is not known.
  double mfu = std::numeric_limits<double>::quiet_NaN();
};

Json train_row(const StepResult& step, const std::map<int64_t, LoadMetrics>& loads,
               const Progress& progress, const StepRates& rates);
Json valid_row(const Evaluation& evaluation, const Progress& progress);

}  // namespace moe
