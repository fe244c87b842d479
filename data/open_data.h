// Opens what section `data` names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/data_config.h"
#include "data/dataset.h"
#include "data/objective_config.h"

namespace moe {

struct Datasets {
  std::shared_ptr<const Dataset> train;  // shuffled anew in every epoch by `seed`
  // Of every source, in the order of the config: causal rows, then those of each denoiser.
  std::vector<ValidationRows> valid;
  int64_t train_bytes = 0;               // of all sources together
  int64_t valid_bytes = 0;
};

// Rows of `length` tokens and their `length` targets; of several sources by weight
// (data/mixed_dataset.h), each source's of several denoisers by theirs. A source without `valid` has its `train`
// split (data/split.h), the same for every objective; no byte of validation is ever in a training row. Text
// shorter than a row is read only where it is a file among longer ones, and then skipped, unless data.documents packs
// rows across files. `objective` must hold the rules of check_objective(). Throws RunError: a file that is missing,
// unreadable, empty, corrupt or too short, a glob that matches nothing, or a file that is in two lists.
Datasets open_data(const DataConfig& config, const KindChoice& objective, int64_t length, uint64_t seed);

// All of one file as validation rows of the objective, whatever `config` names and splits. `key` is what messages call
// the setting that names the file. Throws RunError as open_data().
std::vector<ValidationRows> rows_of_file(const std::string& path, const std::string& key, const DataConfig& config,
                                         const KindChoice& objective, int64_t length);

}  // namespace moe
