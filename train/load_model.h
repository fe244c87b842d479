// A checkpoint's model, ready to read text.
#pragma once

#include <string>

#include "train/model.h"

namespace moe {

// With the parameters of this checkpoint's folder, in the data type it was trained in. `config` is the
// checkpoint's own. Throws what build_model and load_parameters throw.
Model load_model(const std::string& checkpoint, const RunConfig& config, at::Device device);

}  // namespace moe
