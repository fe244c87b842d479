// What reports say of a run because of the gates it was configured with.
#pragma once

#include <string>
#include <vector>

#include "train/run_config.h"

namespace moe {

// Layers whose gate looks at later tokens (model.moe.allow_future_leak).
int64_t leaking_layers(const ModelConfig& model);

// A note is one sentence without a full stop that names the gates, or an empty text when there is none.
std::string future_leak_note(const ModelConfig& model);
// Of gates whose weights are constant, so that the text teaches them nothing.
std::string untaught_note(const ModelConfig& model);

// All notes of a model that are not empty.
std::vector<std::string> gate_notes(const ModelConfig& model);

}  // namespace moe
