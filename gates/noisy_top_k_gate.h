// Noisy top-k gating (Shazeer et al. 2017, arXiv 1701.06538, section 2.1): noise of a learned size is
// added to the logits in training, so that experts near the threshold get tried, and so that the number
// of tokens an expert can expect is smooth in the logits (appendix A).
#pragma once

#include "gates/gate.h"
#include "gates/noisy_top_k_config.h"
#include "layers/initializer.h"

namespace moe {

class NoisyTopKGate : public Gate {
 public:
  NoisyTopKGate(const NoisyTopKConfig& config, int64_t d_model, int64_t experts,
                const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  NoisyTopKConfig config_;
  Tensor weight_;        // [E, D]
  Tensor noise_weight_;  // [E, D]
};

struct NoisyChoice {
  Tensor expert;  // [T, k] int64, largest first
  Tensor weight;  // [T, k], softmax over the kept logits
  // [T, E]: the probability that an expert would still be chosen if its own noise were drawn again; 1 for
  // chosen and 0 for other experts where there is no noise, or nothing to lose to (k = E).
  Tensor load;
};

// clean [T, E] logits, std [T, E] deviation and `noise` [T, E] of standard normal draws, or undefined: no
// noise. `dropped` [T, E] bool as of dropped_experts(), or undefined.
NoisyChoice noisy_choice(const Tensor& clean, const Tensor& std, const Tensor& noise,
                         const Tensor& dropped, int64_t k);

}  // namespace moe
