// Live slots in the order in which experts compute them, and the two moves between tokens and rows.
#pragma once

#include <vector>

#include "gates/routing.h"
#include "layers/torch.h"

namespace moe {

// Live slots counting-sorted by expert; of one expert, by token and then choice. So a run repeats
// bit for bit, and every row belongs to exactly one slot (t, k): no atomics anywhere.
struct SlotOrder {
  std::vector<int64_t> offsets;  // host, [E + 1]: rows of expert e are offsets[e] .. offsets[e + 1]
  Tensor slot_of_row;            // [L] int64, t * K + k
  Tensor row_of_slot;            // [T, K] int64; L where the slot is not live
  int64_t T = 0, K = 0;
};

// Rows of every expert from `counts`, which is on the host already.
SlotOrder slot_order(const Routing& routing, const std::vector<int64_t>& counts);

// x[token of each row]: [T, D] -> [L, D]. Backward is a gather and a sum over k in fixed order.
Tensor gather_rows(const Tensor& x, const SlotOrder& order);

// y[t] = sum_k weight[t, k] * rows[row_of_slot[t, k]], k in ascending order; a slot that is not live
// adds nothing, and the gradient of its weight is defined as 0: [L, D], [T, K] -> [T, D].
Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order);

}  // namespace moe
