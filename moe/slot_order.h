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
  Tensor slot_of_row;            // [L] int64, t * K + k; T * K where the row is padding
  Tensor row_of_slot;            // [T, K] int64; L where the slot is not live
  int64_t T = 0, K = 0;
  bool padded = false;           // some rows may be padding: zeros behind an expert's own rows
};

// Rows of every expert from `counts`, which is on the host already. With `few_sizes` an expert has
// padded_rows(count) of them.
SlotOrder slot_order(const Routing& routing, const std::vector<int64_t>& counts,
                     bool few_sizes = false);

// `count` rounded up to one of few sizes, four between a power of two and the next and none that is
// not a multiple of 64; 0 stays 0. For libraries that make code for every shape they meet.
int64_t padded_rows(int64_t count);

// x[token of each row], zeros for padding: [T, D] -> [L, D]. Backward is a gather and a sum over k in fixed order, in
// float32 where x is bf16.
Tensor gather_rows(const Tensor& x, const SlotOrder& order);

// y[t] = sum_k weight[t, k] * rows[row_of_slot[t, k]], k in ascending order; a slot that is not live
// adds nothing, and the gradient of its weight is defined as 0: [L, D], [T, K] -> [T, D]. Weighted and
// added up in the wider dtype of both (float32 for bf16 rows), then given in the rows'.
Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order);

}  // namespace moe
