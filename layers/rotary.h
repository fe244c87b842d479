// Rotary positions (Su et al. 2021, arXiv 2104.09864) in the half-split layout that Hugging Face
// checkpoints use: component i turns with component i + C/2.
#pragma once

#include "layers/torch.h"

namespace moe {

struct RotaryTable {
  Tensor cosine;  // [B, S, 1, C/2]
  Tensor sine;    // [B, S, 1, C/2]
};

// Angle of pair i at position p: p / theta^(2i / C). Computed in float64, given in `dtype`.
RotaryTable rotary_table(const Tensor& positions, int64_t head_dim, double theta,
                         at::ScalarType dtype);

// x [B, S, heads, C]; returns the same shape and dtype, turned in the table's dtype.
Tensor rotate(const Tensor& x, const RotaryTable& table);

}  // namespace moe
