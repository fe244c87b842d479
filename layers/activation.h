// What stands between the two products of a feed-forward: one function for dense networks and experts.
#pragma once

#include "layers/activation_config.h"
#include "layers/torch.h"

namespace moe {

// The first product's tensor: its name, and its rows for a network of width F.
inline const char* input_name(Activation activation) {
  return is_gated(activation) ? "gate_up" : "up";
}
inline int64_t input_rows(Activation activation, int64_t width) {
  return is_gated(activation) ? 2 * width : width;
}

// Gated: [..., 2F], gate columns first, then up -> [..., F]. Plain: [..., F] -> [..., F].
Tensor activate(const Tensor& projected, Activation activation);

}  // namespace moe
