// Auxiliary losses of gates as pure functions.
#pragma once

#include <string>

#include "gates/rank_scope.h"
#include "layers/torch.h"

namespace moe {

// Over which tokens the shares f and P of the balance loss are formed: those of a sequence, those of one rank
// (so that the loss depends on how tokens are spread over ranks), or those of all ranks.
enum class BalanceScope { kSequence, kMicroBatch, kWorld };
BalanceScope balance_scope(const std::string& word);  // "sequence", "micro_batch", "world"

// E * sum_e f_e P_e with f_e = choices of e / all choices and P_e the mean probability of e
// (Switch, section 2.2, generalised to k choices as in Megatron): 1 at perfect balance. transformers'
// form is k times this. Only P carries a gradient; f counts choices before any capacity.
//   probability [T, E], expert [T, K], valid [T] bool or undefined; T = sequences * S.
// kSequence and kMicroBatch form it per sequence or rank, and take the mean over those of all ranks that have
// tokens. The value is the same on every rank, and gradients add up over ranks (gates/rank_scope.h).
Tensor load_balancing_loss(const Tensor& probability, const Tensor& expert, const Tensor& valid,
                           BalanceScope scope, int64_t sequences, const RankScope& ranks);

// CV^2 of the experts' sums over tokens: population variance / (mean^2 + 1e-10), 0 at balance (Shazeer
// 2017, arXiv 1701.06538, section 4 and appendix A; of the importance and of the load). Implementations
// with the unbiased variance have E / (E - 1) times this.
//   per_token [T, E], valid [T] bool or undefined; T = sequences * S. Scopes: as above.
Tensor squared_variation(const Tensor& per_token, const Tensor& valid, BalanceScope scope,
                         int64_t sequences, const RankScope& ranks);

// E * sum_e P_e^2 with P_e expert e's share of the weights of all tokens of all ranks, every token's
// weights taken relative to their sum: 1 at perfect balance, E where one expert has all. The same as
// 1 + squared_variation of the relative weights. For mixtures: while they are dense every expert is
// live in every token, so that the share f of choices in load_balancing_loss says nothing, and their
// weights carry a gradient in both factors. Once they are sparse the gradient is about twice that of
// load_balancing_loss.
//   weight [T, E], rows of any sum; valid [T] bool or undefined.
Tensor mixture_balance_loss(const Tensor& weight, const Tensor& valid, const RankScope& ranks);

// mean_t logsumexp(logits_t)^2 (ST-MoE, arXiv 2202.08906, section 3.3). logits [T, E].
Tensor z_loss(const Tensor& logits, const Tensor& valid, const RankScope& ranks);

}  // namespace moe
