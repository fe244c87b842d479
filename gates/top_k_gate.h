// Top-k gating: the k experts with the largest logits (Shazeer et al. 2017, arXiv 1701.06538, without
// its noise; Switch 2101.03961; Mixtral 2401.04088). One gate, of which the published ones are
// settings (gates/top_k_presets_config.h).
#pragma once

#include "gates/gate.h"
#include "gates/top_k_choice.h"
#include "gates/top_k_config.h"
#include "layers/initializer.h"

namespace moe {

class TopKGate : public Gate {
 public:
  TopKGate(const TopKConfig& config, int64_t d_model, int64_t experts, const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  TopKConfig config_;
  int64_t experts_;
  Tensor weight_;  // [E, D]
};

}  // namespace moe
