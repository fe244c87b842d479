// In place of expert_selectors_cuda.cu where MOE_CUDA is off, so that every build links.
#include <stdexcept>

#include "gates/selector_kernels.h"

namespace moe {
namespace {

[[noreturn]] void refuse() {
  throw std::runtime_error(
      "DSelect-k on a CUDA device needs its CUDA kernel, and this build has none: configure with "
      "-DMOE_CUDA=ON, or train on the CPU (train.device=cpu)");
}

}  // namespace

template <class T>
int64_t scratch_values_cuda(const SelectorInputs<T>&) {
  refuse();
}

template <class T>
void select_forward_cuda(const SelectorInputs<T>&, const SelectorOutputs<T>&,
                         const SelectorLaunch<T>&) {
  refuse();
}

template <class T>
void select_backward_cuda(const SelectorInputs<T>&, const SelectorGradients<T>&,
                          const SelectorLaunch<T>&) {
  refuse();
}

template int64_t scratch_values_cuda(const SelectorInputs<float>&);
template int64_t scratch_values_cuda(const SelectorInputs<double>&);
template void select_forward_cuda(const SelectorInputs<float>&, const SelectorOutputs<float>&,
                                  const SelectorLaunch<float>&);
template void select_forward_cuda(const SelectorInputs<double>&, const SelectorOutputs<double>&,
                                  const SelectorLaunch<double>&);
template void select_backward_cuda(const SelectorInputs<float>&, const SelectorGradients<float>&,
                                   const SelectorLaunch<float>&);
template void select_backward_cuda(const SelectorInputs<double>&, const SelectorGradients<double>&,
                                   const SelectorLaunch<double>&);

}  // namespace moe
