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
// The same, of a file that may hold others besides.
void read_some_tensors(const std::string& path, const NamedTensors& tensors);

// Names with what read_tensors() compares, "F32 [8, 128]".
using TensorShapes = std::vector<std::pair<std::string, std::string>>;
TensorShapes shapes_of(const NamedTensors& tensors);
TensorShapes shapes_in(const std::string& path);  // throws RunError

}  // namespace moe
