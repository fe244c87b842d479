// Tensors to and from safetensors files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/formats/safetensors.h"
#include "layers/torch.h"

namespace moe {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

WrittenFile write_tensors(const std::string& path, const NamedTensors& tensors);

// Copies the file's tensors into these, in place. Names, shapes and dtypes must agree exactly:
// CheckError lists what is missing, unexpected or different.
void read_tensors(const std::string& path, const NamedTensors& tensors);

}  // namespace moe
