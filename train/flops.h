// Floating-point operations of training, by formula: two per multiply-add, backward counted as twice
// forward. Output head in, embedding look-ups out, attention by its causal half.
#pragma once

#include <vector>

#include "train/run_config.h"

namespace moe {

struct FlopsPerToken {  // forward
  double attention = 0;      // scores and mixing alone, all layers
  double other = 0;          // projections, dense feed-forwards, gates, output head
  double per_slot = 0;       // one expert on one token
  int64_t moe_layers = 0;
  double slots = 0;          // k, of one layer once the gate is sparse

  // 3 x forward for one token with this many expert rows, added up over the MoE layers.
  double training(double expert_rows) const { return 3 * (attention + other + expert_rows * per_slot); }
  double training_once_sparse() const { return training(slots * static_cast<double>(moe_layers)); }
};
FlopsPerToken flops_per_token(const ModelConfig& config, int64_t vocabulary);

}  // namespace moe
