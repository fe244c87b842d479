// How many (query, key) pairs a batch's attention has.
#pragma once

#include <cstdint>

#include "data/batch.h"

namespace moe {

// Pairs that the mask allows: S (S + 1) / 2 in a causal row of S tokens, p^2 + p t + t (t + 1) / 2 in a segment with a
// prefix of p tokens and t after it; padding has none.
int64_t allowed_pairs(const Batch& batch);

// Pairs whose scores are formed: S (S + 1) / 2 a row without a mask, S^2 under one, which kernels do not skip.
int64_t executed_pairs(const Batch& batch);

}  // namespace moe
