// train.extra_compute: how long a continuation is, as a share of what its checkpoint has cost.
#pragma once

#include <cstdint>
#include <string>

#include "train/run_config.h"

namespace moe {

// Steps that cost extra_compute times `flops`, at least one: training FLOPs of a token of config's model once
// its gates are sparse (train/flops.h, attention included) times train.batch_tokens is what a step costs.
int64_t steps_for_compute(const RunConfig& config, int64_t vocabulary, double flops);

// The same of all FLOPs that were ever spent on this checkpoint's values. ConfigError where they are none, or
// too many to count the steps; else throws as state_cost() does.
int64_t extra_compute_steps(const RunConfig& config, const std::string& checkpoint);

}  // namespace moe
