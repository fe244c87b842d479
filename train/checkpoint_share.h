// What one rank writes of a checkpoint: its two files, from copies in host memory, so that training may go
// on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/manifest.h"
#include "train/tensor_file.h"
#include "train/tensor_parts.h"

namespace moe {

struct CheckpointShare {
  NamedTensors model, moments;  // by the names under which they are stored (data/formats/safetensors_set.h)
};

// Of what a rank holds, copies of what it writes: all of it, but that of ranks with the same part each writes
// some: part i of the list is written by copy i % copies. Extra memory: the elements of these parts, once.
CheckpointShare copy_share(const std::vector<TensorPart>& model, const std::vector<TensorPart>& moments);
// Bytes of its files, with a generous share of their headers. Copies nothing.
uint64_t share_bytes(const std::vector<TensorPart>& model, const std::vector<TensorPart>& moments);

// Writes the rank's files into `folder` and lets go of the copies as it does; also files without tensors, so
// that a set is complete or not. Returns their sizes and hashes. Throws RunError.
Manifest write_share(const std::string& folder, int64_t rank, int64_t ranks, CheckpointShare share);

}  // namespace moe
