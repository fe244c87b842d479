// Compiled with -O3 of its own (CMakeLists.txt): these loops are not LibTorch's.
#include <vector>

#include "gates/selector_token.h"

namespace moe {
namespace {

template <class T>
std::vector<T> scratch_of(const SelectorInputs<T>& in) {
  return std::vector<T>(static_cast<size_t>(selector_scratch(in.k, in.m, in.E)));
}

}  // namespace

template <class T>
void select_forward_cpu(const SelectorInputs<T>& in, const SelectorOutputs<T>& out, int64_t begin,
                        int64_t end) {
  auto scratch = scratch_of(in);
  for (int64_t t = begin; t < end; ++t) select_forward(in, out, t, scratch.data());
}

template <class T>
void select_backward_cpu(const SelectorInputs<T>& in, const SelectorGradients<T>& grad,
                         int64_t begin, int64_t end) {
  auto scratch = scratch_of(in);
  for (int64_t t = begin; t < end; ++t) select_backward(in, grad, t, scratch.data());
}

template void select_forward_cpu(const SelectorInputs<float>&, const SelectorOutputs<float>&, int64_t,
                                 int64_t);
template void select_forward_cpu(const SelectorInputs<double>&, const SelectorOutputs<double>&,
                                 int64_t, int64_t);
template void select_backward_cpu(const SelectorInputs<float>&, const SelectorGradients<float>&,
                                  int64_t, int64_t);
template void select_backward_cpu(const SelectorInputs<double>&, const SelectorGradients<double>&,
                                  int64_t, int64_t);

}  // namespace moe
