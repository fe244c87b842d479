// state.json of a checkpoint: everything of a run that is no tensor, and its config, so that a
// checkpoint's folder alone is enough to go on from or to sample from.
#pragma once

#include <string>

#include "data/formats/json_text.h"
#include "train/trainer.h"

namespace moe {

// The text of the file.
std::string state_text(Trainer& trainer, const std::string& config_yaml);

// Reads folder/state.json into the trainer's counters. Throws CheckError naming the file when it is
// not of this format, RunError naming the key where a value does not fit.
void load_state(const std::string& folder, Trainer& trainer);

// The config in folder/state.json, as YAML, and the step it was saved at. Throw as load_state does.
std::string state_config(const std::string& folder);
int64_t state_step(const std::string& folder);

}  // namespace moe
