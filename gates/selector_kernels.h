// The kernels behind gates/expert_selectors.h, one per kind of device, on plain memory: neither knows
// of LibTorch nor of the other. Their arithmetic is gates/selector_token.h.
#pragma once

#include <cstdint>

namespace moe {

// Contiguous, on the device.
template <class T>
struct SelectorInputs {
  const T* bit = nullptr;  // [n, k, m]
  const T* mix = nullptr;  // [n, k]
  int64_t n = 0, k = 0, m = 0, E = 0;
  T gamma = 1;
};

template <class T>
struct SelectorOutputs {  // as SelectedExperts
  T* weight = nullptr;            // [n, E]
  T* entropy = nullptr;           // [n]
  T* reciprocal_reach = nullptr;  // [n]
  T* collision = nullptr;         // [n]
  int64_t* preferred = nullptr;   // [n, k]
};

template <class T>
struct SelectorGradients {
  // Cotangents of the outputs; null: none.
  const T* weight = nullptr;
  const T* entropy = nullptr;
  const T* reciprocal_reach = nullptr;
  const T* collision = nullptr;
  // Results.
  T* bit = nullptr;  // [n, k, m]
  T* mix = nullptr;  // [n, k]
};

// Tokens begin .. end - 1, on the calling thread.
template <class T>
void select_forward_cpu(const SelectorInputs<T>& in, const SelectorOutputs<T>& out, int64_t begin,
                        int64_t end);
template <class T>
void select_backward_cpu(const SelectorInputs<T>& in, const SelectorGradients<T>& grad,
                         int64_t begin, int64_t end);

// Memory and threads of a CUDA kernel: `scratch` holds scratch_values_cuda() values.
template <class T>
struct SelectorLaunch {
  T* scratch = nullptr;
  void* stream = nullptr;  // a cudaStream_t
};
template <class T>
int64_t scratch_values_cuda(const SelectorInputs<T>& in);

// All tokens, queued on the stream. Throw std::runtime_error with CUDA's message; in a build without
// CUDA (expert_selectors_no_cuda.cpp) always, and say how to get one with it.
template <class T>
void select_forward_cuda(const SelectorInputs<T>& in, const SelectorOutputs<T>& out,
                         const SelectorLaunch<T>& launch);
template <class T>
void select_backward_cuda(const SelectorInputs<T>& in, const SelectorGradients<T>& grad,
                          const SelectorLaunch<T>& launch);

}  // namespace moe
