// A safetensors file that replaces another one whole, or leaves it as it was.
#pragma once

#include "data/formats/atomic_file.h"
#include "data/formats/safetensors.h"

namespace moe {

// The bytes of write_safetensors(path, ...), into a file that the caller commits. Throws the same.
void write_safetensors(AtomicFile& file, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace moe
