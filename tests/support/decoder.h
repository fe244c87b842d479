// A decoder small enough to check by hand, and what goes into it.
#pragma once

#include <memory>

#include "layers/decoder.h"
#include "layers/mlp.h"

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

// With dense feed-forwards.
inline std::shared_ptr<Decoder> dense_decoder(const DecoderConfig& config, int64_t vocabulary = 13,
                                              at::ScalarType dtype = at::kDouble) {
  const auto feed_forward = [&](int64_t, const Initializer& init) {
    return std::make_shared<Mlp>(config.d_model, config.active_width, activation_of(config.activation),
                                 config.depth_scale(), init);
  };
  return std::make_shared<Decoder>(config, vocabulary, feed_forward, Initializer(1, dtype));
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
