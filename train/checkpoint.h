// Checkpoints: one folder each, complete or absent. Written to a temporary sibling, synced, described
// by a manifest of hashes, then renamed (train/checkpoint_saver.h).
//
// Loading asks for no layout: whichever ranks wrote, every rank reads of each tensor the part that it
// holds now.
#pragma once

#include <string>
#include <vector>

#include "train/checkpoint_files.h"
#include "train/trainer.h"

namespace moe {

// Saves one and waits for it; all stay. Returns the folder. Throws as CheckpointSaver does.
std::string save_checkpoint(const std::string& run_folder, Trainer& trainer,
                            const std::string& config_yaml);

// Loads everything into a trainer of the same config; hashes are verified before. All ranks together:
// each reads its parts, and what goes wrong on one is CheckError on all, naming the file or the tensor.
void load_checkpoint(const std::string& folder, Trainer& trainer);

// Parameters alone, by name, into a model that is whole on this rank. Every tensor must be there with its
// shape and none may be left over: CheckError with the lists.
void load_parameters(const std::string& folder, Decoder& decoder);

// For a model that takes over a part (train/init.h). What a set of files holds (kModelFiles, kOptimizerFiles),
// by name, and the same of a model: parameters and gates' buffers. CheckError for files that are none.
TensorShapes checkpoint_shapes(const std::string& folder, const std::string& kind = kModelFiles);
NamedTensors model_tensors(const Decoder& decoder);

// What a new run takes over, by names of the new model.
struct TakenTensors {
  std::vector<std::string> loaded;   // originals of parameters, and buffers
  std::vector<std::string> copied;   // of experts, from dense feed-forwards (train/upcycle.h)
  std::vector<std::string> moments;  // parameters whose moments are kept; none: the optimizer stays as it is
};
// Copies these alone, after verifying the hashes, and notes the checkpoint's cost in progress().began_with.
// With moments the optimizer's count of steps is the checkpoint's, and what has none begins late. All ranks
// together, as load_checkpoint(). CheckError.
void load_some_tensors(const std::string& folder, const TakenTensors& taken, Trainer& trainer);

// The config that the checkpoint was trained with, as YAML, after verifying its hashes.
std::string checkpoint_config(const std::string& folder);

// A checkpoint from what a user names: a checkpoint folder, or a run's folder (its newest good one).
// Throws CheckError when the named one fails its hashes or none is good; RunError when nothing is there.
std::string find_checkpoint(const std::string& path);

}  // namespace moe
