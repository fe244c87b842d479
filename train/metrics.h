// Rows of metrics.jsonl (docs/design.md, "metrics.jsonl").
#pragma once

#include <map>
#include <vector>

#include "data/formats/metrics_file.h"
#include "gates/load_metrics.h"
#include "train/evaluate.h"
#include "train/trainer.h"

namespace moe {

// Expert load by layer. Waits for the device.
std::map<int64_t, LoadMetrics> layer_loads(const StepResult& step);

Json train_row(const StepResult& step, const std::map<int64_t, LoadMetrics>& loads,
               const Progress& progress, double tokens_per_second);
Json valid_row(const Evaluation& evaluation, const Progress& progress);

}  // namespace moe
