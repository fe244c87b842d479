// Expert capacity (GShard, Switch): how many tokens one expert takes, and who comes first.
#pragma once

#include "layers/torch.h"

namespace moe {

// ceil(tokens * k * factor / experts), Megatron's and DeepSpeed's form; at least 1.
int64_t expert_capacity(int64_t tokens, int64_t k, int64_t experts, double factor);

enum class CapacityOrder {
  kToken,   // token by token, first and second choices together: causal
  kChoice,  // all first choices before all second ones (GShard, Switch): looks ahead
};

// The place of every slot in its expert's queue, from 0; kEmpty slots stand in no queue and get -1.
// expert [T, K] int64 -> [T, K] int64.
Tensor queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order);

}  // namespace moe
