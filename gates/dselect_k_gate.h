// DSelect-k (Hazimeh et al. 2021, arXiv 2106.03760): k differentiable selectors of one expert each,
// mixed by a softmax. Bits and mixture are affine in the token (the paper's per-example gate), or, with
// kind: dselect_k_static, parameters of their own that every token shares (its static gate, section 3).
//
// A selector spells its expert in m = ceil(log2 E) bits, the first one the most significant. A bit is
// a smooth step: exactly 0 or 1, with exactly zero slope, once |logit| >= gamma / 2. So the gate
// starts with every expert live and becomes sparse while it trains, and a weight that has reached 0
// is flat there: dispatch may skip the slot (promise 3 of Routing).
//
// Letters: k selectors, m bits.
#pragma once

#include "gates/dselect_k_config.h"
#include "gates/gate.h"
#include "layers/initializer.h"

namespace moe {

class DSelectKGate : public Gate {
 public:
  DSelectKGate(const DSelectKConfig& config, int64_t d_model, int64_t experts,
               const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  // What the selectors are made of, for n = T tokens, or n = 1 for all of them in the static gate.
  struct Logits {
    Tensor bit;  // [n, k, m]
    Tensor mix;  // [n, k]
  };
  Logits logits(const GateInput& input) const;
  // [T, E]: without experts left out and without padding.
  Tensor masked(Tensor weight, const GateInput& input) const;

  DSelectKConfig config_;
  bool per_token_;
  int64_t d_model_, experts_, bits_;
  Tensor bit_weight_, bit_bias_;    // per token: [k * m, D], [k * m]
  Tensor mix_weight_, mix_bias_;    // per token: [k, D], [k]
  Tensor bit_logits_, mix_logits_;  // static: [k * m], [k]: vectors, which do not decay; decay would
                                    // pull decided bits back into doubt
};

}  // namespace moe
