// Live slots in the order in which experts compute them, and the two moves between tokens and rows.
// What they cost follows the live slots, not K: a gate whose every expert is a slot (K = E) pays for
// those of its weights that are not 0.
#pragma once

#include <vector>

#include "gates/routing.h"
#include "layers/torch.h"

namespace moe {

// What the host must know of a routing before it can order it.
struct LiveCounts {
  std::vector<int64_t> of_expert;    // [E] live slots of each expert
  std::vector<int64_t> tokens_with;  // [K] tokens with more than j live slots, j = 0 .. K - 1

  int64_t slots() const;  // both sum to this
};

// [E + K] int64, on the device: both counts in one tensor, so that one copy brings them to the host.
Tensor live_count_tensor(const Routing& routing);
LiveCounts live_counts(const Tensor& on_host, int64_t experts);
// The one place where a layer's host waits for the device.
LiveCounts live_counts(const Routing& routing);

// Whether rows of this kind are to be of few sizes: oneDNN, which computes bf16 products on CPUs, makes and
// keeps code for every number of rows it meets, and loads change with every step (docs/results.md).
bool needs_few_sizes(const Tensor& x);

// Live slots counting-sorted by expert; of one expert, by token and then choice. So a run repeats
// bit for bit, and every row belongs to exactly one slot (t, k): no atomics anywhere.
struct SlotOrder {
  std::vector<int64_t> offsets;  // host, [E + 1]: rows of expert e are offsets[e] .. offsets[e + 1]
  Tensor slot_of_row;            // [L] int64, t * K + k; T * K where the row is padding
  Tensor token_of_row;           // [L] int64; T where the row is padding
  int64_t T = 0;
  bool padded = false;           // some rows may be padding: zeros behind an expert's own rows
  // For sums over a token's slots: the rows of all tokens' first live slots, then of their second ones,
  // and so on, tokens with more slots first. There are tokens_with[j] rows of j-th slots (host).
  Tensor row_of_place;           // [live] int64
  Tensor place_of_token;         // [T] int64; undefined where all tokens have equally many: its own
  std::vector<int64_t> tokens_with;
};

// With `few_sizes` an expert has padded_rows(count) of them.
SlotOrder slot_order(const Routing& routing, const LiveCounts& counts, bool few_sizes = false);

// `count` rounded up to one of few sizes, four between a power of two and the next and none that is
// not a multiple of 64; 0 stays 0. For libraries that make code for every shape they meet.
int64_t padded_rows(int64_t count);

// `tokens` [T, ...], with a row of zeros behind them that padding points to where `padded`.
Tensor with_padding(const Tensor& tokens, bool padded);

// The rows of `tokens` [T, ...] that an order's rows stand for, or of `tokens` [T * K] its slots; zeros
// for padding. Without gradient.
Tensor of_rows(const Tensor& tokens, const Tensor& index, bool padded);

// The gradient of `weight` [T, K] from that of its rows [L]: 0 for slots without a row.
Tensor of_slots(const Tensor& row_gradient, const Tensor& weight, const Tensor& slot_of_row);

// sum over a token's live slots, choices in ascending order, of weight * row: rows [L, D] -> [T, D], in the
// wider dtype of both. Without row_weight [L] all weights are 1. Without gradient.
Tensor sum_over_slots(const Tensor& rows, const Tensor& row_weight, const SlotOrder& order);

// x[token of each row], zeros for padding: [T, D] -> [L, D]. Backward is a gather and a sum over k in fixed order, in
// float32 where x is bf16.
Tensor gather_rows(const Tensor& x, const SlotOrder& order);

// y[t] = sum of weight[t, k] * row over the live slots of t, k in ascending order; a slot that is not
// live adds nothing, and the gradient of its weight is defined as 0: [L, D], [T, K] -> [T, D]. Weighted
// and added up in the wider dtype of both (float32 for bf16 rows), then given in the rows'.
Tensor combine_rows(const Tensor& rows, const Tensor& weight, const SlotOrder& order);

}  // namespace moe
