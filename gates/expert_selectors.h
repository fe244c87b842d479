// What DSelect-k's selectors make of their logits: the weights, and what its losses are formed of. One
// fused function, because as LibTorch operations the products over bits cost more than Top-k's whole
// gate, and keep k E (2m + 5) values a token.
//
// Letters: k selectors, m bits, n = T tokens, or n = 1 for all of them in a static gate.
#pragma once

#include "layers/torch.h"

namespace moe {

struct SelectedExperts {
  Tensor weight;            // [n, E]: sum_s softmax(mix)_s r_s, values below 1e-30 flushed to 0
  Tensor entropy;           // [n]: sum over selectors of -sum_e r_s,e log(r_s,e + 1e-6), nats
  Tensor reciprocal_reach;  // [n]: sum over selectors of 1 / (sum_e r_s,e + 1e-6)
  Tensor collision;         // [n]: sum over pairs s < t of sum_e r_s,e r_t,e: 1 for a pair that has
                            // settled on one expert, 0 for one that has settled on two
  Tensor preferred;         // [n, k] int64, detached: the expert with the most of r_s, the first of
                            // equal ones; below 0 and each selector's own where it has none
};

// r_s, the choice of selector s, is a product over bits of smooth steps (gates/selector_token.h): expert
// e in binary, most significant bit first; it sums to 1, or to less where codes without an expert exist.
//   bit_logits [n, k, m], mix_logits [n, k], both float32 or float64 and on one device
// Backward recomputes everything from the logits, which are all that is kept, for the outputs that have
// a cotangent. Where a weight is exactly 0 it is flat (promise 3 of Routing). The entropy of a decided
// selector is slightly negative; published is its sum over tokens. On a CUDA device this needs a build
// with MOE_CUDA, and throws std::runtime_error elsewhere.
SelectedExperts select_experts(const Tensor& bit_logits, const Tensor& mix_logits, double gamma,
                               int64_t experts);

}  // namespace moe
