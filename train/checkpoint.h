// Checkpoints: one folder each, complete or absent. Written to a temporary sibling, synced, described
// by a manifest of hashes, then renamed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "train/trainer.h"

namespace moe {

// checkpoints/step-00000100 below a run's folder.
std::string checkpoint_folder(const std::string& run_folder, int64_t step);
// One sentence about what is wrong with its files: missing, foreign, or failing their hashes. Empty
// when all is well.
std::string problem_of_checkpoint(const std::string& folder);
// Existing ones, newest first; {step, folder}. Temporary and damaged ones are not among them.
std::vector<std::pair<int64_t, std::string>> list_checkpoints(const std::string& run_folder);

// Parameters, optimizer, data position, counters and the whole config. Returns the folder. Throws
// RunError: a full disk (asked before anything is written), one that cannot be written. Then nothing
// of it stays, and earlier checkpoints are as they were. Which of them go is train/retention.h.
std::string save_checkpoint(const std::string& run_folder, Trainer& trainer,
                            const std::string& config_yaml);

// Loads everything into a trainer of the same config; hashes are verified before. Throws CheckError
// naming the file or the tensor.
void load_checkpoint(const std::string& folder, Trainer& trainer);

// Parameters alone, by name, into the model. Every tensor must be there with its shape and none may be
// left over: CheckError with the lists.
void load_parameters(const std::string& folder, Decoder& decoder);

// For a model that takes over a part (train/init.h). What model.safetensors holds, by name, and the same
// of a model: parameters and gates' buffers. CheckError for a file that is none.
TensorShapes checkpoint_shapes(const std::string& folder);
NamedTensors model_tensors(const Decoder& decoder);
// Copies these alone, originals of parameters and buffers, after verifying the hashes. CheckError.
void load_some_tensors(const std::string& folder, const std::vector<std::string>& names,
                       Trainer& trainer);

// The config that the checkpoint was trained with, as YAML, after verifying its hashes.
std::string checkpoint_config(const std::string& folder);

// A checkpoint from what a user names: a checkpoint folder, or a run's folder (its newest good one).
// Throws CheckError when the named one fails its hashes or none is good; RunError when nothing is there.
std::string find_checkpoint(const std::string& path);

}  // namespace moe
