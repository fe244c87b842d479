// One thread per token. Scratch values of neighbouring threads are neighbours in memory, so that a
// warp reads and writes whole lines; there are only so many threads that scratch stays small.
#include <algorithm>
#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

#include "gates/selector_token.h"

namespace moe {
namespace {

constexpr int64_t kThreads = 128;           // of a block
constexpr int64_t kScratchBytes = 64 << 20;

int64_t blocks_for(int64_t tokens, int64_t values, int64_t value_bytes) {
  const int64_t needed = (tokens + kThreads - 1) / kThreads;
  const int64_t fitting = kScratchBytes / (values * value_bytes * kThreads);
  return std::max<int64_t>(1, std::min(needed, fitting));
}

template <class T>
int64_t blocks_of(const SelectorInputs<T>& in) {
  return blocks_for(in.n, selector_scratch(in.k, in.m, in.E), sizeof(T));
}

template <class T>
struct Strided {
  T* first;
  int64_t step;
  __device__ T& operator[](int64_t i) const { return first[i * step]; }
  __device__ Strided operator+(int64_t i) const { return {first + i * step, step}; }
};

template <class T>
__device__ Strided<T> scratch_of(T* scratch) {
  const int64_t thread = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  return {scratch + thread, gridDim.x * static_cast<int64_t>(blockDim.x)};
}

template <class T>
__global__ void forward_kernel(SelectorInputs<T> in, SelectorOutputs<T> out, T* scratch) {
  const auto mine = scratch_of(scratch);
  for (int64_t t = mine.first - scratch; t < in.n; t += mine.step) select_forward(in, out, t, mine);
}

template <class T>
__global__ void backward_kernel(SelectorInputs<T> in, SelectorGradients<T> grad, T* scratch) {
  const auto mine = scratch_of(scratch);
  for (int64_t t = mine.first - scratch; t < in.n; t += mine.step) {
    select_backward(in, grad, t, mine);
  }
}

template <class Kernel, class T, class Other>
void launch_kernel(Kernel kernel, const char* name, const SelectorInputs<T>& in, const Other& other,
                   const SelectorLaunch<T>& launch) {
  if (in.n == 0) return;
  kernel<<<static_cast<unsigned>(blocks_of(in)), static_cast<unsigned>(kThreads), 0,
           static_cast<cudaStream_t>(launch.stream)>>>(in, other, launch.scratch);
  if (const cudaError_t status = cudaGetLastError(); status != cudaSuccess) {
    throw std::runtime_error(std::string("launch of ") + name + ": " + cudaGetErrorString(status));
  }
}

}  // namespace

template <class T>
int64_t scratch_values_cuda(const SelectorInputs<T>& in) {
  return blocks_of(in) * kThreads * selector_scratch(in.k, in.m, in.E);
}

template <class T>
void select_forward_cuda(const SelectorInputs<T>& in, const SelectorOutputs<T>& out,
                         const SelectorLaunch<T>& launch) {
  launch_kernel(forward_kernel<T>, "select_forward", in, out, launch);
}

template <class T>
void select_backward_cuda(const SelectorInputs<T>& in, const SelectorGradients<T>& grad,
                          const SelectorLaunch<T>& launch) {
  launch_kernel(backward_kernel<T>, "select_backward", in, grad, launch);
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
