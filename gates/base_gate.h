// BASE layers (Lewis et al. 2021, arXiv 2103.16716): one expert per token, in training by a balanced
// assignment, which needs no loss. With a = sigmoid(x . centroid of its expert) the layer's output is
// a f(x) + (1 - a) x, and this mixture is the only way by which centroids learn: an expert that helps
// pulls its centroid towards the token.
//
// Differences from fairseq: tokens need not be a multiple of experts (none has more than
// ceil(tokens / experts)); assignment is within the micro-batch of one rank, and tokens are not shuffled
// between ranks before; padding takes no part; an expert is a plain feed-forward inside the decoder's own
// residual, where theirs has a norm and a residual that (1 - a) x completes, and begins at 0.
#pragma once

#include "gates/base_config.h"
#include "gates/gate.h"
#include "layers/initializer.h"

namespace moe {

class BaseGate : public Gate {
 public:
  BaseGate(const BaseConfig& config, int64_t d_model, int64_t experts, const Initializer& init);
  // In training it waits for the device once: finding an assignment is no work for tensors.
  Routing forward(const GateInput& input) override;

 private:
  BaseConfig config_;
  Tensor centroids_;  // [E, D]
};

}  // namespace moe
