// The highest memory that a run needs, from its config's shapes: what moe-train --dry-run prints.
#pragma once

#include "train/dry_run_layout.h"

namespace moe {

struct MemoryEstimate {  // bytes of one rank
  double process = 0;      // the program and LibTorch themselves, on the CPU
  double parameters = 0;   // float32 originals, and bf16 copies where there are
  double gradients = 0;
  double buckets = 0;      // in which many ranks add gradients up: kept from step to step
  double optimizer = 0;    // both moments
  double activations = 0;  // what one micro-step's forward leaves behind for backward
  double workspace = 0;    // of backward, in the largest layer
  // Copies in the host's memory of what this rank writes of a checkpoint: beside the next steps where
  // checkpoint.every falls within the run, else at its end, where no step's memory is needed any more.
  double saving = 0;
  // Not their sum: gradients come into being while activations go. Without copies where they are not on
  // the device.
  double total = 0;
};

// Of the rank with the most rows, and the most to write, with what holdings() says of this layout. Experts that
// are spread get as many rows on every rank: one with more than its share needs as much more. Measured against
// the highest resident set in docs/results.md.
MemoryEstimate estimate_memory(const RunConfig& config, int64_t vocabulary, const Holdings& held,
                               const RankLayout& layout = {});

}  // namespace moe
