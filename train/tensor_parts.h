// Tensors of which a rank holds all or a part, as checkpoints save and load them.
#pragma once

#include <string>
#include <vector>

#include "layers/torch.h"

namespace moe {

// A tensor of the model or the optimizer, or what this rank has of it: a run of consecutive elements in
// row-major order (some of the experts, a shard of moments). Shares the owner's memory.
struct TensorPart {
  std::string name;            // of the whole tensor, the same on every layout
  Tensor values;               // contiguous; as many elements as the part has
  std::vector<int64_t> shape;  // of the whole
  int64_t begin = 0;           // its first element in the whole
  // Ranks that hold the same part: this is copy number `copy` of `copies`. One of them writes it.
  int64_t copy = 0, copies = 1;
};

}  // namespace moe
