// The smooth step (Hazimeh et al. 2020, arXiv 2002.07772, and DSelect-k, 2106.03760, section 3.1): a
// cubic from exactly 0 at t = -gamma/2 to exactly 1 at t = gamma/2, with slope 0 at both ends.
#pragma once

#include <utility>

#include "layers/torch.h"

namespace moe {

struct SmoothBits {
  Tensor on;   // S(t)
  Tensor off;  // 1 - S(t)
};

// Both are products of their own, u^2 (1 + 2v) and v^2 (1 + 2u) with u = clamp(t/gamma + 1/2) and
// v = clamp(1/2 - t/gamma), and share the slope 6uv / gamma. So wherever one of them is exactly 0 its
// slope is exactly 0 too; `1 - S` by subtraction rounds to 0 while the slope is not 0, and skipping
// zero weights would no longer be exact.
SmoothBits smooth_bits(const Tensor& t, double gamma);

}  // namespace moe
