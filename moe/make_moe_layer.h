// Builds one MoE layer from the config of all.
#pragma once

#include "moe/mesh.h"
#include "moe/moe_config.h"
#include "moe/moe_layer.h"

namespace moe {

// Where a layer's parts are: on a rank alone by default.
struct Layout {
  Mesh mesh;
  int64_t overlap_chunks = 1;  // parallel.overlap_chunks
};

// `vocabulary` as in GateSize. The experts are this rank's share of them.
std::shared_ptr<MoeLayer> make_moe_layer(const MoeConfig& config, int64_t layer, int64_t d_model,
                                         int64_t active_width, Activation activation,
                                         double depth_scale, const Initializer& init,
                                         int64_t vocabulary = 0, const Layout& layout = {});

}  // namespace moe
