// DSelect-k's kernels on host memory, on either kind of device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gates/selector_kernels.h"

namespace moe::gpu {

// Inputs and cotangents; pointers of `in` are filled in by who runs it.
template <class T>
struct SelectorCase {
  SelectorInputs<T> in;
  std::vector<T> bit, mix;                                 // [n, k, m], [n, k]
  std::vector<T> dweight, dentropy, dreach, dcollision;    // [n, E], [n] each
};

template <class T>
struct SelectorResult {
  std::vector<T> weight, entropy, reach, collision, dbit, dmix;
  std::vector<int64_t> preferred;

  explicit SelectorResult(const SelectorInputs<T>& in)
      : weight(size(in.n * in.E)), entropy(size(in.n)), reach(size(in.n)), collision(size(in.n)),
        dbit(size(in.n * in.k * in.m)), dmix(size(in.n * in.k)), preferred(size(in.n * in.k)) {}

 private:
  static size_t size(int64_t count) { return static_cast<size_t>(count); }
};

// Forward and backward on device 0. Throws std::runtime_error with CUDA's message when a call fails.
template <class T>
SelectorResult<T> selectors_on_device(const SelectorCase<T>& given);

}  // namespace moe::gpu
