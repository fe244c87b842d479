// Benchmarks: interleaved in one process, medians, reported as ratios, because machines are noisy.
#pragma once

#include <string>

#include "data/formats/metrics_file.h"
#include "moe/mesh.h"

namespace moe {

// A whole training step of a Top-2 model against its dense twin of equal active FLOPs: vocabulary 512,
// width 256, 4 layers, 4 heads, 8 experts of width 512, 16 x 256 tokens, AdamW.
Json bench_step(int64_t rounds, int64_t threads);

// A training step of a small dense model (width 128, 4 layers, 4096 tokens) on UL2R's rows against making these
// rows, both on one core, at contexts 256 and 2048: how far making rows is from holding training up.
Json bench_rows(int64_t rounds);

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
Json shape_json(const LayerShape& shape);

// Forward and backward of one MoE layer whose experts are spread over all ranks of `mesh`, `tokens` on each:
// against the same messages without a layer plus the same layer with its experts at home, and in several
// overlapping rounds; and the bytes that a rank hands over, measured and by formula
// (train/traffic_estimate.h). Seconds are the slowest rank's. All ranks together; each has the result.
// `loopback`: also what the loopback interface has carried, which is all of it where ranks share a machine.
// ConfigError where the ranks do not divide the experts.
inline LayerShape exchange_shape() { return {1024, 256, 512, 8, 2}; }
Json bench_exchange(const LayerShape& shape, const std::string& gate, const Mesh& mesh, bool loopback,
                    int64_t rounds);
std::string exchange_bytes_text(const Json& result);

std::string bench_text(const Json& result);

}  // namespace moe
