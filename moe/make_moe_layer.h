// Builds one MoE layer from the config of all.
#pragma once

#include "moe/moe_config.h"
#include "moe/moe_layer.h"

namespace moe {

// `vocabulary` as in GateSize.
std::shared_ptr<MoeLayer> make_moe_layer(const MoeConfig& config, int64_t layer, int64_t d_model,
                                         int64_t active_width, Activation activation,
                                         double depth_scale, const Initializer& init,
                                         int64_t vocabulary = 0);

}  // namespace moe
