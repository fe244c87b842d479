// Benchmarks: interleaved in one process, medians, reported as ratios, because machines are noisy.
#pragma once

#include <string>

#include "data/formats/metrics_file.h"

namespace moe {

// A whole training step of a Top-2 model against its dense twin of equal active FLOPs: vocabulary 512,
// width 256, 4 layers, 4 heads, 8 experts of width 512, 16 x 256 tokens, AdamW.
Json bench_step(int64_t rounds, int64_t threads);

// Forward and backward of the experts under dense and sparse dispatch, over the share of live slots:
// where the two meet is the built-in cost table of dispatch `auto`.
Json bench_dispatch(int64_t rounds, int64_t threads);

// Forward and backward of one MoE layer, experts and gate with its losses, as in a training step that is
// not logged: DSelect-k once it is sparse (nearly all bits decided, about k live slots a token) against
// Top-k; and both gates alone.
struct LayerShape {
  int64_t tokens = 2048, d_model = 512, d_hidden = 1024, experts = 32, k = 2;
};
Json bench_layer(const LayerShape& shape, int64_t rounds, int64_t threads);

std::string bench_text(const Json& result);

}  // namespace moe
