// One product per expert over rows that are sorted by expert.
#pragma once

#include <vector>

#include "layers/torch.h"

namespace moe {

// out[rows of e] = x[rows of e] * weight[e]^T (transposed) or * weight[e] (not).
//   x [L, A]; weight [E, N, A] transposed, or [E, A, N] not; returns [L, N].
// Rows of expert e are offsets[e] .. offsets[e + 1] (host, E + 1 entries, from 0 to L). Every product
// is written straight into one preallocated result, forward and backward; the weight gradient of an
// expert without rows is zero.
Tensor grouped_product(const Tensor& x, const Tensor& weight, const std::vector<int64_t>& offsets,
                       bool transposed);

}  // namespace moe
