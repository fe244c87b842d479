// The chosen set of every token, whatever the shape of a gate's slots: K may be k, or E with weights
// that are mostly 0, and may differ from batch to batch.
#pragma once

#include "moe/moe_layer.h"

namespace moe {

// [T, E] float32, 1 where the token has a slot of that expert with a weight that is not 0.
Tensor chosen_experts(const KeptRouting& routing, int64_t experts);

// The same, of the k largest weights of each token alone.
Tensor top_experts(const KeptRouting& routing, int64_t experts, int64_t k);

}  // namespace moe
