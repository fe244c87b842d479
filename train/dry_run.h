// moe-train --dry-run: what a config would cost, without data or training.
#pragma once

#include "data/formats/metrics_file.h"
#include "train/run_config.h"

namespace moe {

// The ranks that --dry-run is asked about.
struct DryRunRanks {
  int64_t ranks = 0;     // 0: none asked about
  int64_t per_node = 0;  // 0: all on one node
};

// Parameters, FLOPs per token and an estimate of memory, from shapes alone, of a run on one rank; and what
// init.from gives, which throws as plan_init() does. With ranks also `ranks`, `per_rank` (what one of them
// holds) and `bytes_per_step` (what it hands over for others); ConfigError for numbers that do not divide.
Json dry_run(const RunConfig& config, const DryRunRanks& ranks = {});
std::string dry_run_text(const Json& report);

}  // namespace moe
