// Floating-point operations of training, by formula: two per multiply-add, backward counted as twice
// forward. Output head in, embedding look-ups out, attention by its causal half.
#pragma once

#include <vector>

#include "train/run_config.h"

namespace moe {

struct FlopsPerToken {  // forward
  double attention = 0;  // scores and mixing alone, all layers, of a causal row
  double attention_per_pair = 0;  // the same for one query and one key
  double other = 0;      // projections, dense feed-forwards, shared experts, gates, output head
  double head = 0;       // of `other`, the output head
  struct Experts {       // of one layer that has experts
    int64_t layer = 0;
    double slots = 0;     // k once the gate is sparse
    double per_slot = 0;  // one expert on one token
  };
  std::vector<Experts> experts;  // in order of layers

  // One expert on one token in this layer; 0 for a layer without experts.
  double per_slot(int64_t layer) const;
  // 3 x forward for one token, live slots of every layer being k.
  double training_once_sparse() const;
};
FlopsPerToken flops_per_token(const ModelConfig& config, int64_t vocabulary);

}  // namespace moe
