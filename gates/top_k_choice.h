// What gates that choose k experts by their logits have in common: the choice itself, the way from
// wanted slots to a Routing (padding, capacity, weights), and their losses.
#pragma once

#include <vector>

#include "gates/balance_config.h"
#include "gates/capacity_config.h"
#include "gates/gate.h"

namespace moe {

// The k largest of every row, largest first; of equal ones the lower index. [T, E] -> [T, k] int64.
// torch.topk leaves the order of ties open, and a gate that starts at zero ties everywhere.
Tensor top_k_experts(const Tensor& logits, int64_t k);

// What every token asks for.
struct WantedSlots {
  Tensor expert;             // [T, K] int64, in [0, E)
  Tensor weight;             // [T, K] gate_dtype
  Tensor refused;            // [T, K] bool: slots the gate itself leaves empty; undefined: none
  Tensor probability;        // [T, E]: first choices' priority, and what the entropy is of
  bool renormalize = false;  // divide the weights that are left by their sum
};

// What it gets. Padding gets nothing; in training an expert that is full takes no more, and slots of
// weight 0 take no place. Experts fill over the micro-step's tokens of all ranks, in their order. Figures,
// with diagnostics: `capacity`, tokens per expert and group that this step used, since a factor means
// another number in every implementation; `over_eval_capacity`, the share of slots beyond
// options.eval_factor, none of which it takes away.
Routing route_slots(const WantedSlots& wanted, const CapacityOptions& options,
                    const GateInput& input);

// The losses that have a coefficient. `counted` [T, n]: the choices that f counts.
std::vector<AuxLoss> balance_losses(const BalanceOptions& options, const Tensor& logits,
                                    const Tensor& probability, const Tensor& counted,
                                    const GateInput& input);

}  // namespace moe
