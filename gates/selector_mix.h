// The mixture of DSelect-k's selectors: weight[t, e] = sum_s softmax(logits[t])_s pick[t, s, e].
#pragma once

#include "layers/torch.h"

namespace moe {

// logits [T, k], pick [T, k, E] -> [T, E]. The gradient of a logit is formed from differences of
// selectors, m_s sum_j m_j <dw, pick_s - pick_j>: exactly 0 where selectors coincide, and without the
// cancellation that softmax's own backward has while selectors are still alike (a DSelect-k gate
// starts so).
Tensor mix_selectors(const Tensor& logits, const Tensor& pick);

}  // namespace moe
