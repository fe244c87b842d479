// What DSelect-k's selectors make of their logits: the weights, and what its losses are formed of.
//
// Letters: k selectors, m bits, n = T tokens, or n = 1 for all of them in a static gate.
#pragma once

#include "gates/smooth_step.h"
#include "layers/torch.h"

namespace moe {

struct SelectedExperts {
  Tensor weight;            // [n, E]: sum_s softmax(mix)_s r_s, values below 1e-30 flushed to 0
  Tensor entropy;           // [n]: sum over selectors of selector_entropy
  Tensor reciprocal_reach;  // [n]: sum over selectors of 1 / (sum_e r_s,e + 1e-6)
  Tensor collision;         // [n]: sum over pairs s < t of sum_e r_s,e r_t,e: 1 for a pair that has
                            // settled on one expert, 0 for one that has settled on two
  Tensor preferred;         // [n, k] int64, detached: the expert with the most of r_s
};

// r_s, the choice of selector s, is a product over bits of smooth steps (gates/smooth_step.h).
//   bit_logits [n, k, m], mix_logits [n, k]
SelectedExperts select_experts(const Tensor& bit_logits, const Tensor& mix_logits, double gamma,
                               int64_t experts);

// [E, m] bool: expert e in binary, most significant bit first.
Tensor expert_codes(int64_t experts);

// What the k selectors choose: [..., k, E], from bits [..., k, m]. A row sums to 1, or to less where
// codes without an expert exist.
Tensor selectors(const SmoothBits& bits, const Tensor& codes);

// -sum_e r_e log(r_e + 1e-6), [..., k, E] -> [..., k]. Slightly negative for a decided selector. The
// published term is the sum over tokens and selectors; the gate's is the mean over tokens of the sum
// over selectors, so that the coefficient does not depend on the batch. Of a static gate both are the
// sum over selectors.
Tensor selector_entropy(const Tensor& selectors);

// 1 / (sum_e r_e + eps), [..., k, E] -> [..., k]: 1 when all mass is on codes that have an expert.
Tensor reciprocal_reach(const Tensor& selectors, double eps);

}  // namespace moe
