// The JSON header of a safetensors file, read as a stream: a document tree of a 100 MB header would
// take a gigabyte, and would silently keep the last of two equal keys.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "data/formats/safetensors.h"

namespace moe {

struct SafetensorsHeader {
  std::map<std::string, TensorInfo> tensors;
  std::map<std::string, std::string> metadata;
};

// Reads `json` and checks it against a buffer of `buffer_bytes`: known dtypes, whole numbers within
// range, sizes that match shapes, and tensors that tile the buffer without hole or overlap.
// `name` is what messages call the file. Throws RunError.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t buffer_bytes,
                                           const std::string& name);

// Bytes of a tensor of this shape; false when they do not fit 64 bits or a size is negative.
bool tensor_bytes(Dtype dtype, const std::vector<int64_t>& shape, uint64_t& bytes);

}  // namespace moe
