// Tensors to and from safetensors files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/formats/safetensors_set.h"
#include "layers/torch.h"
#include "train/tensor_parts.h"

namespace moe {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

WrittenFile write_tensors(const std::string& path, const NamedTensors& tensors);

// Each as a part that is the whole.
std::vector<TensorPart> whole_parts(const NamedTensors& tensors);

// Copies these parts from the files, in place, and reads nothing else of them. Names, shapes and dtypes of
// the whole tensors must agree exactly (a tensor of which all stored parts are flat has no shape, only a
// number of elements): CheckError lists what is missing, unexpected or different. So every rank names
// every tensor, with a part of no elements where it holds none.
void read_parts(const SafetensorsSet& files, const std::vector<TensorPart>& parts);
// The same, of files that may hold others besides.
void read_some_parts(const SafetensorsSet& files, const std::vector<TensorPart>& parts);
// Whole tensors from one file.
void read_tensors(const std::string& path, const NamedTensors& tensors);

// Names with what read_parts() compares, "F32 [8, 128]".
using TensorShapes = std::vector<std::pair<std::string, std::string>>;
TensorShapes shapes_of(const NamedTensors& tensors);
TensorShapes shapes_in(const SafetensorsSet& files);

}  // namespace moe
