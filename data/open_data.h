// Opens what section `data` names.
#pragma once

#include <memory>
#include <vector>

#include "data/data_config.h"
#include "data/dataset.h"

namespace moe {

struct Datasets {
  std::shared_ptr<const Dataset> train;  // shuffled anew in every epoch by `seed`
  std::vector<ValidationRows> valid;     // one of each source, in the order of the config
  int64_t train_bytes = 0;               // of all sources together
  int64_t valid_bytes = 0;
};

// Rows of `length` tokens and their `length` targets; of several sources by weight
// (data/mixed_dataset.h). A source without `valid` has its `train` split (data/split.h); no byte of
// validation is ever in a training row. Text shorter than a row is read only where it is a file
// among longer ones, and then skipped, unless data.documents packs rows across files. Throws RunError: a
// file that is missing, unreadable, empty, corrupt or too short, a glob that matches nothing, or a
// file that is in two lists.
Datasets open_data(const DataConfig& config, int64_t length, uint64_t seed);

}  // namespace moe
