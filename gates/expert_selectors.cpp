#include "gates/expert_selectors.h"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "gates/dselect_k_config.h"
#include "gates/selector_kernels.h"
#include "layers/shapes.h"

namespace moe {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
SelectorInputs<T> inputs_of(const Tensor& bit, const Tensor& mix, double gamma, int64_t experts) {
  return {bit.data_ptr<T>(), mix.data_ptr<T>(), bit.size(0), bit.size(1), bit.size(2), experts,
          static_cast<T>(gamma)};
}

// The one place where a device is chosen. `on_cpu(begin, end)`, `on_cuda(launch)`.
template <class T, class OnCpu, class OnCuda>
void run_on(const at::Device& device, const SelectorInputs<T>& in, OnCpu on_cpu, OnCuda on_cuda) {
  if (device.is_cpu()) {
    const int64_t grain = at::divup(int64_t{16384}, in.k * in.E);  // some 100 microseconds
    at::parallel_for(0, in.n, grain, on_cpu);
    return;
  }
  TORCH_CHECK(device.is_cuda(), "select_experts: expected logits on a CPU or a CUDA device, found ",
              device);
  const c10::DeviceGuard guard(device);
  const c10::impl::VirtualGuardImpl cuda(device.type());
  const auto options = at::TensorOptions().device(device).dtype(c10::CppTypeToScalarType<T>());
  const auto scratch = at::empty({scratch_values_cuda(in)}, options);
  on_cuda(SelectorLaunch<T>{scratch.template data_ptr<T>(),
                            cuda.getStreamNativeHandle(cuda.getStream(device))});
}

struct SelectExperts : torch::autograd::Function<SelectExperts> {
  static variable_list forward(AutogradContext* context, const Tensor& bit_logits,
                               const Tensor& mix_logits, double gamma, int64_t experts) {
    const auto bit = bit_logits.contiguous(), mix = mix_logits.contiguous();
    const int64_t n = bit.size(0);
    const auto options = bit.options().requires_grad(false);
    const auto weight = at::empty({n, experts}, options);
    const auto entropy = at::empty({n}, options), reach = at::empty({n}, options),
               collision = at::empty({n}, options);
    const auto preferred = at::empty({n, bit.size(1)}, options.dtype(at::kLong));
    AT_DISPATCH_FLOATING_TYPES(bit.scalar_type(), "select_experts", [&] {
      const auto in = inputs_of<scalar_t>(bit, mix, gamma, experts);
      const SelectorOutputs<scalar_t> out{weight.data_ptr<scalar_t>(), entropy.data_ptr<scalar_t>(),
                                          reach.data_ptr<scalar_t>(), collision.data_ptr<scalar_t>(),
                                          preferred.data_ptr<int64_t>()};
      run_on(
          bit.device(), in,
          [&](int64_t begin, int64_t end) { select_forward_cpu(in, out, begin, end); },
          [&](const auto& launch) { select_forward_cuda(in, out, launch); });
    });
    context->save_for_backward({bit, mix});
    context->saved_data["gamma"] = gamma;
    context->saved_data["experts"] = experts;
    context->mark_non_differentiable({preferred});
    context->set_materialize_grads(false);
    return {weight, entropy, reach, collision, preferred};
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto &bit = saved[0], &mix = saved[1];
    for (auto& grad : grads) {
      grad = grad.defined() ? grad.contiguous() : grad;  // means expand theirs
    }
    const auto dbit = at::empty_like(bit), dmix = at::empty_like(mix);
    AT_DISPATCH_FLOATING_TYPES(bit.scalar_type(), "select_experts", [&] {
      const auto in = inputs_of<scalar_t>(bit, mix, context->saved_data["gamma"].toDouble(),
                                          context->saved_data["experts"].toInt());
      const auto cotangent = [&](size_t i) {
        return grads[i].defined() ? grads[i].template data_ptr<scalar_t>() : nullptr;
      };
      const SelectorGradients<scalar_t> grad{cotangent(0), cotangent(1), cotangent(2), cotangent(3),
                                             dbit.data_ptr<scalar_t>(), dmix.data_ptr<scalar_t>()};
      run_on(
          bit.device(), in,
          [&](int64_t begin, int64_t end) { select_backward_cpu(in, grad, begin, end); },
          [&](const auto& launch) { select_backward_cuda(in, grad, launch); });
    });
    return {dbit, dmix, Tensor(), Tensor()};
  }
};

}  // namespace

SelectedExperts select_experts(const Tensor& bit_logits, const Tensor& mix_logits, double gamma,
                               int64_t experts) {
  check_shape(bit_logits, {-1, -1, expert_bits(experts)}, "select_experts bit logits");
  check_shape(mix_logits, {bit_logits.size(0), bit_logits.size(1)}, "select_experts mix logits");
  TORCH_CHECK(mix_logits.scalar_type() == bit_logits.scalar_type() &&
                  mix_logits.device() == bit_logits.device(),
              "select_experts: expected mix logits like the bit logits, ", bit_logits.scalar_type(),
              " on ", bit_logits.device(), ", found ", mix_logits.scalar_type(), " on ",
              mix_logits.device());
  const auto out = SelectExperts::apply(bit_logits, mix_logits, gamma, experts);
  return {out[0], out[1], out[2], out[3], out[4]};
}

}  // namespace moe
