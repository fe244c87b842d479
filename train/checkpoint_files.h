// Which folders and files a run's checkpoints are, and whether they are whole.
//
// One rank writes model.safetensors and optimizer.safetensors; each of several writes its own, such as
// model-00001-of-00004.safetensors, so that the set is known from any one name. state.json and
// manifest.json are the first rank's.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/safetensors_set.h"
#include "moe/rank_group.h"

namespace moe {

// What a checkpoint keeps its tensors in: a set of files for each.
constexpr const char* kModelFiles = "model";
constexpr const char* kOptimizerFiles = "optimizer";

// A checkpoint's manifest may list no more files than parse_manifest() takes.
constexpr int64_t kMostRanks = 4999;

// The name of the file that this rank writes: "model-00001-of-00004.safetensors" by the first of four.
std::string rank_file(const std::string& kind, int64_t rank, int64_t ranks);
// The set of that kind that the folder's manifest names. Throws RunError.
SafetensorsSet open_files(const std::string& folder, const std::string& kind);

// checkpoints/step-00000100 below a run's folder.
std::string checkpoint_folder(const std::string& run_folder, int64_t step);
// One sentence about what is wrong with a checkpoint's files: missing, foreign, or failing their hashes.
// Empty when all is well. Ranks share the hashes, and all get the same sentence: of the first of them that
// found something.
std::string problem_of_checkpoint(const std::string& folder);
std::string problem_of_checkpoint(const std::string& folder, const RankGroup& ranks);
// Existing ones, newest first; {step, folder}. Temporary and damaged ones are not among them. Of several
// ranks the first looks.
using Checkpoints = std::vector<std::pair<int64_t, std::string>>;
Checkpoints list_checkpoints(const std::string& run_folder);
Checkpoints list_checkpoints(const std::string& run_folder, const RankGroup& ranks);

}  // namespace moe
