// The config's keys as moe-diagnose names them: which gate a layer has, and its settings.
#pragma once

#include <map>
#include <string>

#include "train/run_config.h"

namespace moe {

using ConfigValues = std::map<std::string, std::string>;  // full key, printed value

ConfigValues config_values(RunConfig config);

// What the keys of this layer's gate begin with: "model.moe.gate.", or, where the layer has one of
// its own, "model.moe.layers.4-7.gate.".
std::string gate_prefix(const MoeConfig& moe, int64_t layer);

}  // namespace moe
