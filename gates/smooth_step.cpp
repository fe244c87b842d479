#include "gates/smooth_step.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SmoothBitsFunction : torch::autograd::Function<SmoothBitsFunction> {
  static variable_list forward(AutogradContext* context, const Tensor& t, double gamma) {
    const auto u = (t / gamma + 0.5).clamp(0, 1);
    const auto v = (0.5 - t / gamma).clamp(0, 1);
    context->save_for_backward({u, v});
    context->saved_data["gamma"] = gamma;
    return {u * u * (1 + 2 * v), v * v * (1 + 2 * u)};
  }

  static variable_list backward(AutogradContext* context, variable_list grad) {
    const auto saved = context->get_saved_variables();
    const auto slope = 6 * saved[0] * saved[1] / context->saved_data["gamma"].toDouble();
    return {(grad[0] - grad[1]) * slope, Tensor()};
  }
};

}  // namespace

SmoothBits smooth_bits(const Tensor& t, double gamma) {
  const auto bits = SmoothBitsFunction::apply(t, gamma);
  return {bits[0], bits[1]};
}

}  // namespace moe
