// A decoder small enough to check by hand, and what goes into it.
#pragma once

#include "layers/decoder.h"

namespace moe {

inline DecoderConfig small_decoder(int64_t layers) {
  DecoderConfig config;
  config.d_model = 16;
  config.layers = layers;
  config.heads = 4;
  config.context = 12;
  config.active_width = 24;
  return config;
}

// Normal values; other names, other values.
inline Tensor draw(at::IntArrayRef shape, const char* name = "x") {
  return Initializer(1, at::kDouble).normal(name, shape, 1);
}

inline ForwardContext context_of(int64_t B, int64_t S) {
  ForwardContext context;
  context.token_ids = at::arange(B * S, at::kLong).remainder(11).view({B, S});
  return context;
}

}  // namespace moe
