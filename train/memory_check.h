// Whether a run has a chance on this machine: asked before anything large is allocated, because the
// system gives more memory than it has, and later ends the process without a word.
#pragma once

#include <cstdint>

#include "train/run_config.h"

namespace moe {

// Bytes of this machine's memory.
int64_t physical_memory_bytes();

// ConfigError where what those of the run's `ranks` that are on this machine certainly need
// (train/size_config.h) exceeds `memory` bytes.
void require_memory(const RunConfig& config, int64_t memory, int64_t local_ranks = 1, int64_t ranks = 1);

// The same for --verify-layout, whose ranks also hold the whole model each, and compute the whole batch.
void require_memory_of_check(const RunConfig& config, int64_t memory, int64_t local_ranks, int64_t ranks);

}  // namespace moe
