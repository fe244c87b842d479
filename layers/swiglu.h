// SwiGLU (Shazeer 2020, arXiv 2002.05202): silu(gate) * up.
#pragma once

#include "layers/torch.h"

namespace moe {

// gate_up [..., 2F]: gate columns first, then up; returns [..., F].
inline Tensor swiglu(const Tensor& gate_up) {
  const auto halves = gate_up.chunk(2, -1);
  return at::silu(halves[0]) * halves[1];
}

}  // namespace moe
