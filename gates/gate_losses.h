// Auxiliary losses of gates as pure functions.
#pragma once

#include <string>

#include "gates/rank_scope.h"
#include "layers/torch.h"

namespace moe {

// Over which tokens the shares f and P of the balance loss are formed.
enum class BalanceScope { kSequence, kMicroBatch, kWorld };
BalanceScope balance_scope(const std::string& word);  // "sequence", "micro_batch", "world"

// E * sum_e f_e P_e with f_e = choices of e / all choices and P_e the mean probability of e
// (Switch, section 2.2, generalised to k choices as in Megatron): 1 at perfect balance. transformers'
// form is k times this. Only P carries a gradient; f counts choices before any capacity.
//   probability [T, E], expert [T, K], valid [T] bool or undefined; T = sequences * S.
// kSequence forms the loss per sequence and takes the mean over sequences with tokens.
Tensor load_balancing_loss(const Tensor& probability, const Tensor& expert, const Tensor& valid,
                           BalanceScope scope, int64_t sequences, const RankScope& ranks);

// mean_t logsumexp(logits_t)^2 (ST-MoE, arXiv 2202.08906, section 3.3). logits [T, E].
Tensor z_loss(const Tensor& logits, const Tensor& valid, const RankScope& ranks);

}  // namespace moe
