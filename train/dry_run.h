// moe-train --dry-run: what a config would cost, without data or training.
#pragma once

#include "data/formats/metrics_file.h"
#include "train/run_config.h"

namespace moe {

// Parameters, FLOPs per token and an estimate of memory, from shapes alone; and what init.from gives,
// which throws as plan_init() does.
Json dry_run(const RunConfig& config);
std::string dry_run_text(const Json& report);

}  // namespace moe
