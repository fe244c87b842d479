// The dense mixture of experts (Jacobs et al. 1991, "Adaptive mixtures of local experts"; the gate of
// MMoE, Ma et al. 2018): weights are a softmax over all experts, and every expert runs on every token.
// What sparse gates approximate, at E / k times their compute.
#pragma once

#include "gates/gate.h"
#include "gates/softmax_config.h"
#include "layers/initializer.h"

namespace moe {

class SoftmaxGate : public Gate {
 public:
  SoftmaxGate(const SoftmaxConfig& config, int64_t d_model, int64_t experts,
              const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  SoftmaxConfig config_;
  Tensor weight_;  // [E, D]
};

}  // namespace moe
