// The result of a gate: which experts each token goes to, and with which weight.
//
//   y[t] = sum_k weight[t, k] * f[expert[t, k]](x[t])  (+ identity_weight[t] * x[t])
//
// Promises of every gate (docs/design.md, "Promises"; tests/contract/):
//  1. expert in [0, E) or kEmpty, none twice for one token; empty slots have weight 0.
//  2. The task's gradient enters the gate only through `weight` (and `identity_weight`); auxiliary
//     losses are formed on the full output of the gate and are never skipped.
//  3. Flat zeros, where skip_zeros: a cotangent on slots of weight exactly 0 gives exactly 0 for x
//     and every gate parameter. So dispatch may leave those slots out, and nothing changes.
#pragma once

#include <vector>

#include "gates/gate_stats.h"
#include "layers/forward_context.h"
#include "layers/torch.h"

namespace moe {

constexpr int64_t kEmpty = -1;

struct Routing {
  Tensor expert;             // [T, K] int64
  Tensor weight;             // [T, K] gate_dtype
  Tensor identity_weight;    // [T] gate_dtype, or undefined: the share of x itself in y (BASE)
  std::vector<AuxLoss> aux;
  GateStats stats;           // detached, on the device
  bool skip_zeros = true;
  int64_t host_syncs = 0;    // times the gate waited for the device (BASE's assignment: once)

  // Every expert is a slot: K = E, expert[t, k] = k.
  static Routing dense(const Tensor& weight);
  // [T, K] bool: slots that dispatch computes.
  Tensor live() const;
};

// Gates compute in float32, or in float64 for float64 input.
at::ScalarType gate_dtype(const Tensor& x);

// Weights below 1e-30 become 0 by a mask: products of small factors can underflow to 0 with a slope
// left, and a mask's zero is flat in every dispatcher.
Tensor flush_tiny(const Tensor& weight);

}  // namespace moe
