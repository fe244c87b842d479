// Expert capacity (GShard, Switch): how many tokens one expert takes, and who comes first.
#pragma once

#include <string>

#include "gates/rank_scope.h"
#include "layers/torch.h"

namespace moe {

// ceil(tokens * k * factor / experts), Megatron's and DeepSpeed's form; at least 1. Mesh TensorFlow and
// lingvo, where GShard and ST-MoE come from, leave k out: k = 1 here.
int64_t expert_capacity(int64_t tokens, int64_t k, int64_t experts, double factor);

enum class CapacityOrder {
  kToken,     // token by token, first and second choices together: causal
  kChoice,    // all first choices before all second ones (GShard, Switch): looks ahead
  kPriority,  // the same with the tokens of each choice by priority (V-MoE): looks ahead
};
CapacityOrder capacity_order(const std::string& word);  // "token", "choice", "priority"

// The place of every slot in its expert's queue, from 0; kEmpty slots stand in no queue and get -1.
// expert [T, K] int64 -> [T, K] int64. Every `group_tokens` tokens in a row have queues of their own
// (0: all tokens; the last group may be shorter). `priority` [T] for kPriority: larger first, of equal
// ones the earlier token.
Tensor queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order,
                       int64_t group_tokens = 0, const Tensor& priority = {});

// Which of a micro-step's tokens are this rank's: those from `before` on.
struct RankTokens {
  const RankScope& ranks;
  int64_t all;     // of all ranks
  int64_t before;  // of the ranks before this one
};

// The same in queues of all ranks' tokens, of which `expert` and `priority` hold this rank's; groups are rows of
// the micro-step's tokens and may span ranks. A collective unless there is one rank. In one group, kToken and
// kChoice cost two sums of [K, E] counts. kPriority and groups of fewer tokens cost a sum of [all, K] slots and
// [all] priorities, which every rank then holds; it places the groups that its own tokens are in, with kPriority
// in one group all tokens.
Tensor world_queue_positions(const Tensor& expert, int64_t experts, CapacityOrder order,
                             int64_t group_tokens, const Tensor& priority, const RankTokens& tokens);

}  // namespace moe
