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
// Which ids of the vocabulary stood for the end, modes and sentinels: {end, modes: {nlu, s2s, nlg}, first_sentinel,
// sentinels}. Null in checkpoints of version 0.1.0.
Json state_special_ids(const std::string& folder);

// What the optimizer had counted.
struct OptimizerSteps {
  int64_t steps = 0;
  AdamW::Late late;
};
OptimizerSteps state_optimizer(const std::string& folder);

// All that was ever spent on this checkpoint's values: what its run had begun with included.
BeganWith state_cost(const std::string& folder);

}  // namespace moe
