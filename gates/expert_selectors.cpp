#include "gates/expert_selectors.h"

#include "gates/dselect_k_config.h"
#include "gates/routing.h"
#include "gates/selector_mix.h"

namespace moe {
namespace {

constexpr double kEntropyEps = 1e-6;  // as published
constexpr double kReachEps = 1e-6;    // against 1/0 when all mass is on codes without an expert

}  // namespace

SelectedExperts select_experts(const Tensor& bit_logits, const Tensor& mix_logits, double gamma,
                               int64_t experts) {
  const auto codes = expert_codes(experts).to(bit_logits.device());
  const auto pick = selectors(smooth_bits(bit_logits, gamma), codes);  // [n, k, E]
  // (sum r)^2 - sum r^2 is twice the sum over pairs, and loses nothing at 0 and 1.
  const auto all = pick.sum(1).square().sum(1), own = pick.square().sum(at::IntArrayRef{1, 2});  // [n]
  return {flush_tiny(mix_selectors(mix_logits, pick)), selector_entropy(pick).sum(1),
          reciprocal_reach(pick, kReachEps).sum(1), (all - own) / 2, pick.detach().argmax(2)};
}

Tensor expert_codes(int64_t experts) {
  const int64_t m = expert_bits(experts);
  const auto shift = at::arange(m - 1, -1, -1, at::kLong);  // [m]
  return at::arange(experts, at::kLong).unsqueeze(1).bitwise_right_shift(shift).bitwise_and(1).to(
      at::kBool);  // [E, m]
}

Tensor selectors(const SmoothBits& bits, const Tensor& codes) {
  auto shape = bits.on.sizes().vec();
  shape.back() = codes.size(0);
  auto pick = at::ones(shape, bits.on.options().requires_grad(false));  // [..., k, E]
  // Bit by bit: the backward of prod() waits for the device to count zeros.
  for (int64_t b = 0; b < codes.size(1); ++b) {
    pick = pick * at::where(codes.select(1, b), bits.on.narrow(-1, b, 1), bits.off.narrow(-1, b, 1));
  }
  return pick;
}

Tensor selector_entropy(const Tensor& selectors) {
  return -(selectors * (selectors + kEntropyEps).log()).sum(-1);
}

Tensor reciprocal_reach(const Tensor& selectors, double eps) {
  return (selectors.sum(-1) + eps).reciprocal();
}

}  // namespace moe
