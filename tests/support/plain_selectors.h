// DSelect-k's selectors as LibTorch operations with autograd: what gates/expert_selectors.h computes in
// one function, piece by piece, as the papers write it.
#pragma once

#include "gates/dselect_k_config.h"
#include "gates/expert_selectors.h"
#include "gates/routing.h"

namespace moe {

struct SmoothBits {
  Tensor on;   // S(t)
  Tensor off;  // 1 - S(t)
};

// The smooth step with its own backward: the slope 6uv / gamma, exactly 0 wherever `on` or `off` is.
struct SmoothBitsFunction : torch::autograd::Function<SmoothBitsFunction> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const Tensor& t, double gamma) {
    const auto u = (t / gamma + 0.5).clamp(0, 1);
    const auto v = (0.5 - t / gamma).clamp(0, 1);
    context->save_for_backward({u, v});
    context->saved_data["gamma"] = gamma;
    return {u * u * (1 + 2 * v), v * v * (1 + 2 * u)};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto slope = 6 * saved[0] * saved[1] / context->saved_data["gamma"].toDouble();
    return {(grad[0] - grad[1]) * slope, Tensor()};
  }
};

inline SmoothBits smooth_bits(const Tensor& t, double gamma) {
  const auto bits = SmoothBitsFunction::apply(t, gamma);
  return {bits[0], bits[1]};
}

// [E, m] bool: expert e in binary, most significant bit first.
inline Tensor expert_codes(int64_t experts) {
  const int64_t m = expert_bits(experts);
  const auto shift = at::arange(m - 1, -1, -1, at::kLong);  // [m]
  return at::arange(experts, at::kLong).unsqueeze(1).bitwise_right_shift(shift).bitwise_and(1).to(
      at::kBool);  // [E, m]
}

// What the k selectors choose: [..., k, E], from bits [..., k, m].
inline Tensor selectors(const SmoothBits& bits, const Tensor& codes) {
  auto shape = bits.on.sizes().vec();
  shape.back() = codes.size(0);
  auto pick = at::ones(shape, bits.on.options().requires_grad(false));  // [..., k, E]
  for (int64_t b = 0; b < codes.size(1); ++b) {
    pick = pick * at::where(codes.select(1, b), bits.on.narrow(-1, b, 1), bits.off.narrow(-1, b, 1));
  }
  return pick;
}

// -sum_e r_e log(r_e + 1e-6), [..., E] -> [...].
inline Tensor selector_entropy(const Tensor& selectors) {
  return -(selectors * (selectors + 1e-6).log()).sum(-1);
}

// 1 / (sum_e r_e + eps), [..., E] -> [...].
inline Tensor reciprocal_reach(const Tensor& selectors, double eps) {
  return (selectors.sum(-1) + eps).reciprocal();
}

inline SelectedExperts plain_select_experts(const Tensor& bit_logits, const Tensor& mix_logits,
                                            double gamma, int64_t experts) {
  const auto pick = selectors(smooth_bits(bit_logits, gamma), expert_codes(experts));  // [n, k, E]
  auto collision = at::zeros({pick.size(0)}, pick.options().requires_grad(false));     // [n]
  for (int64_t s = 0; s < pick.size(1); ++s) {
    for (int64_t t = s + 1; t < pick.size(1); ++t) {
      collision = collision + (pick.select(1, s) * pick.select(1, t)).sum(1);
    }
  }
  return {flush_tiny((mix_logits.softmax(1).unsqueeze(2) * pick).sum(1)),
          selector_entropy(pick).sum(1), reciprocal_reach(pick, 1e-6).sum(1), collision,
          at::where(pick.detach().amax(2) > 0, pick.detach().argmax(2),
                    -1 - at::arange(pick.size(1), at::kLong))};  // none: a number of its own
}

}  // namespace moe
