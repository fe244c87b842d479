// What every report says of a run whose gates look at later tokens (model.moe.allow_future_leak).
#pragma once

#include <string>

#include "train/run_config.h"

namespace moe {

// Layers whose gate is not causal.
int64_t leaking_layers(const ModelConfig& model);

// One sentence without a full stop that names these gates, or an empty text when there is none.
std::string future_leak_note(const ModelConfig& model);

}  // namespace moe
