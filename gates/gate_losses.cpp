#include "gates/gate_losses.h"

#include "layers/shapes.h"

namespace moe {

BalanceScope balance_scope(const std::string& word) {
  if (word == "sequence") {
    return BalanceScope::kSequence;
  }
  TORCH_CHECK(word == "micro_batch" || word == "world", "balance scope: unknown word '", word, "'");
  return word == "world" ? BalanceScope::kWorld : BalanceScope::kMicroBatch;
}

Tensor load_balancing_loss(const Tensor& probability, const Tensor& expert, const Tensor& valid,
                           BalanceScope scope, int64_t sequences, const RankScope& ranks) {
  const int64_t T = probability.size(0), E = probability.size(1), K = expert.size(1);
  const int64_t groups = scope == BalanceScope::kSequence ? sequences : 1;
  check_shape(expert, {T, -1}, "load_balancing_loss expert");
  TORCH_CHECK(T % groups == 0, "load_balancing_loss: ", T, " tokens in ", groups, " sequences");
  const auto mask = valid.defined() ? valid.to(probability.scalar_type())
                                    : at::ones({T}, probability.options().requires_grad(false));
  const auto weight = mask.view({groups, T / groups, 1});  // [groups, S, 1]

  const auto ids = at::arange(E, expert.options());
  auto chosen = expert.select(1, 0).unsqueeze(1) == ids;  // [T, E]
  for (int64_t k = 1; k < K; ++k) {
    chosen = chosen | (expert.select(1, k).unsqueeze(1) == ids);  // no expert twice in a token
  }
  const auto total = [&](const Tensor& t) {  // [T, E] -> [groups, E]
    const auto sum = (t.view({groups, T / groups, E}) * weight).sum(1);
    return scope == BalanceScope::kWorld ? ranks.sum(sum) : sum;
  };
  const auto count = total(chosen.to(probability.scalar_type())).detach();
  const auto mass = total(probability);
  auto tokens = weight.sum(1);  // [groups, 1]
  if (scope == BalanceScope::kWorld) {
    tokens = ranks.sum(tokens);
  }
  const auto f = count / count.sum(1, /*keepdim=*/true).clamp_min(1);
  const auto P = mass / tokens.clamp_min(1);
  return E * (f * P).sum() / (tokens > 0).sum().clamp_min(1);
}

Tensor z_loss(const Tensor& logits, const Tensor& valid, const RankScope& ranks) {
  const auto square = logits.logsumexp(1).square();  // [T]
  if (!valid.defined()) {
    const auto tokens = at::full({}, logits.size(0), logits.options().requires_grad(false));
    return ranks.sum(square.sum()) / ranks.sum(tokens).clamp_min(1);
  }
  const auto mask = valid.to(square.scalar_type());
  return ranks.sum((square * mask).sum()) / ranks.sum(mask.sum()).clamp_min(1);
}

}  // namespace moe
