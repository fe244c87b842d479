// The highest memory that a run needs, from its config's shapes: what moe-train --dry-run prints.
#pragma once

#include "train/run_config.h"

namespace moe {

struct MemoryEstimate {  // bytes
  double process = 0;      // the program and LibTorch themselves, on the CPU
  double parameters = 0;   // float32 originals, and bf16 copies where there are
  double gradients = 0;
  double optimizer = 0;    // both moments
  double activations = 0;  // what one micro-step's forward leaves behind for backward
  double workspace = 0;    // of backward, in the largest layer
  // Not their sum: gradients come into being while activations go.
  double total = 0;
};

// `parameters` of the whole model, `frozen` of them without gradient and moments. Measured against
// the highest resident set in docs/results.md.
MemoryEstimate estimate_memory(const RunConfig& config, int64_t vocabulary, double parameters,
                               double frozen);

}  // namespace moe
