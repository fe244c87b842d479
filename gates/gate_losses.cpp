#include "gates/gate_losses.h"

#include "layers/shapes.h"

namespace moe {
namespace {

// Sums over the valid tokens of every group of tokens that a scope forms, and means over those groups.
class ScopedSum {
 public:
  // `like` [T, n] gives T, dtype and device.
  ScopedSum(const Tensor& like, const Tensor& valid, BalanceScope scope, int64_t sequences,
            const RankScope& ranks)
      : ranks_(ranks), world_(scope == BalanceScope::kWorld) {
    const int64_t T = like.size(0), groups = scope == BalanceScope::kSequence ? sequences : 1;
    const int64_t S = groups == 0 ? 0 : T / groups;  // a rank may have no sequence
    TORCH_CHECK(T == groups * S, "balance loss: ", T, " tokens in ", groups, " sequences");
    const auto mask = valid.defined() ? valid.to(like.scalar_type())
                                      : at::ones({T}, like.options().requires_grad(false));
    weight_ = mask.view({groups, S, 1});             // [groups, S, 1]
    tokens_ = world_ ? ranks.sum(weight_.sum(1)) : weight_.sum(1);  // [groups, 1]
  }
  Tensor operator()(const Tensor& t) const {  // [T, n] -> [groups, n]
    const auto sum = (t.view({weight_.size(0), weight_.size(1), t.size(1)}) * weight_).sum(1);
    return world_ ? ranks_.sum(sum) : sum;
  }
  const Tensor& tokens() const { return tokens_; }  // [groups, 1]
  // Of what has been added up over this rank's groups: the mean over the groups with tokens, of all ranks.
  Tensor mean(const Tensor& sum) const {
    const auto groups = (tokens_ > 0).sum();
    if (world_) {
      return sum / groups.clamp_min(1);  // one group, which every rank has added up already
    }
    const auto all = ranks_.sum(sum);
    return all / ranks_.sum(groups).clamp_min(1);
  }

 private:
  const RankScope& ranks_;
  bool world_;
  Tensor weight_, tokens_;
};

}  // namespace

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
  check_shape(expert, {T, -1}, "load_balancing_loss expert");
  const ScopedSum total(probability, valid, scope, sequences, ranks);

  const auto ids = at::arange(E, expert.options());
  auto chosen = expert.select(1, 0).unsqueeze(1) == ids;  // [T, E]
  for (int64_t k = 1; k < K; ++k) {
    chosen = chosen | (expert.select(1, k).unsqueeze(1) == ids);  // no expert twice in a token
  }
  const auto count = total(chosen.to(probability.scalar_type())).detach();
  const auto mass = total(probability);
  const auto f = count / count.sum(1, /*keepdim=*/true).clamp_min(1);
  const auto P = mass / total.tokens().clamp_min(1);
  return total.mean(E * (f * P).sum());
}

Tensor squared_variation(const Tensor& per_token, const Tensor& valid, BalanceScope scope,
                         int64_t sequences, const RankScope& ranks) {
  const ScopedSum total(per_token, valid, scope, sequences, ranks);
  const auto sum = total(per_token);                      // [groups, E]
  const auto mean = sum.mean(1, /*keepdim=*/true);        // [groups, 1]
  const auto variance = (sum - mean).square().mean(1);    // [groups]
  return total.mean((variance / (mean.squeeze(1).square() + 1e-10)).sum());
}

Tensor mixture_balance_loss(const Tensor& weight, const Tensor& valid, const RankScope& ranks) {
  const auto total = weight.sum(1, /*keepdim=*/true);  // [T, 1]
  const auto share = weight / (total + (total == 0));  // [T, E]; an empty token has none
  return 1 + squared_variation(share, valid, BalanceScope::kWorld, 1, ranks);
}

Tensor z_loss(const Tensor& logits, const Tensor& valid, const RankScope& ranks) {
  auto square = logits.logsumexp(1).square();  // [T]
  auto tokens = at::full({}, logits.size(0), logits.options().requires_grad(false));
  if (valid.defined()) {
    const auto mask = valid.to(square.scalar_type());
    square = square * mask;
    tokens = mask.sum();
  }
  const auto sum = ranks.sum(square.sum());  // a statement of its own: operands are in no certain order
  return sum / ranks.sum(tokens).clamp_min(1);
}

}  // namespace moe
