#include "gates/selector_mix.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct MixSelectors : torch::autograd::Function<MixSelectors> {
  static Tensor forward(AutogradContext* context, const Tensor& logits, const Tensor& pick) {
    const auto mix = logits.softmax(1);  // [T, k]
    context->save_for_backward({mix, pick});
    return (mix.unsqueeze(2) * pick).sum(1);  // [T, E]
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto &mix = saved[0], &pick = saved[1];
    const auto dweight = grad[0].unsqueeze(1);  // [T, 1, E]
    auto dlogits = at::zeros_like(mix);         // [T, k]
    for (int64_t j = 0; j < mix.size(1); ++j) {
      const auto difference = ((pick - pick.narrow(1, j, 1)) * dweight).sum(2);  // [T, k]
      dlogits.addcmul_(mix * mix.narrow(1, j, 1), difference);
    }
    return {dlogits, mix.unsqueeze(2) * dweight};
  }
};

}  // namespace

Tensor mix_selectors(const Tensor& logits, const Tensor& pick) {
  return MixSelectors::apply(logits, pick);
}

}  // namespace moe
