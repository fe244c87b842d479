// The rows of an optimizer step: what a rank has of them, and what all of them hold together.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "moe/mesh.h"

namespace moe {

// This rank's rows of one micro-step.
struct MicroBatch {
  Batch batch;
  int64_t first = 0, rows = 0;  // its first row, and the rows of all ranks
};

// What the micro-steps of a step hold, on all ranks together.
struct StepAmounts {
  double target_tokens = 0;
  double tokens = 0, positions = 0;              // without and with padding
  double allowed_pairs = 0, executed_pairs = 0;  // of attention (data/attention_pairs.h)
  StepAmounts& operator+=(const StepAmounts& other);
};

// `micro_steps` times `rows` rows from `first_row` on. All ranks together; throws what reading the text throws on any.
std::vector<MicroBatch> read_micro_batches(const Dataset& data, const Mesh& mesh, int64_t first_row, int64_t rows,
                                           int64_t micro_steps, StepAmounts& amounts);

}  // namespace moe
