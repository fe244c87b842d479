// A layer's live slots in chunks: memory that follows the chunk and not the slots, which is what a gate
// that starts with every expert live needs most.
#pragma once

#include "moe/experts.h"
#include "moe/slot_order.h"

namespace moe {

// combine_rows(experts(gather_rows(x))) of at most `chunk` rows at a time: x [T, D], weight [T, K] ->
// [T, D]. Kept for backward are x, the weights and the order; what an expert computes in between is
// computed again there, chunk by chunk (Chen et al. 2016, arXiv 1604.06174), all but its last product.
// Equal to doing all at once but for the order in which a token's slots are added up, by expert.
Tensor chunked_slots(const Tensor& x, const Tensor& weight, const SlotOrder& order,
                     const Experts& experts, int64_t chunk);

// What backward computes again, as a share of computing a row once: that of the first product.
double recomputed_share(Activation activation);

}  // namespace moe
