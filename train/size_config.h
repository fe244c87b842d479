// What the sizes of a config need at the least. The limits of single keys allow products beyond 64
// bits and beyond any memory; here they are multiplied in double precision, which holds them all,
// before anything multiplies them as integers or allocates.
#pragma once

#include "configs/fields.h"

namespace moe {

struct ModelConfig;
struct RunConfig;

// Parameters of attention and feed-forwards alone: embeddings, norms and gates come on top. With `parts`
// above 1 only one of that many parts of the gates' experts.
double least_parameters(const ModelConfig& model, int64_t parts = 1);

// Bytes of memory that one of `ranks` certainly needs for a training step: those parameters with gradients
// and optimizer state (without them where groups may freeze), and the input of every layer.
double least_bytes(const RunConfig& config, int64_t ranks = 1);

// Refuses sizes that need more than any machine has, so that their products fit 64 bits.
void check_sizes(const RunConfig& config, Rules& rules);

}  // namespace moe
