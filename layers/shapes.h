// The letters of every shape comment, and the check that module entrances make.
//
//   T tokens (= B * S)     B batch rows       S sequence length    V vocabulary
//   D model width          F expert or feed-forward width
//   H query heads          G key/value heads  C width of one head
//   E experts              K slots of a token L live slots (rows that experts compute)
//   R ranks
//
// A gate's own letters stand in its file.
#pragma once

#include <string>

#include "layers/torch.h"

namespace moe {

// Throws c10::Error unless `tensor` has this shape; -1 fits any size.
inline void check_shape(const Tensor& tensor, at::IntArrayRef shape, const char* name) {
  bool fits = tensor.defined() && tensor.dim() == static_cast<int64_t>(shape.size());
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] == -1 || tensor.size(static_cast<int64_t>(i)) == shape[i];
  }
  TORCH_CHECK(fits, name, ": expected shape ", shape, ", found ",
              tensor.defined() ? c10::str(tensor.sizes()) : std::string("no tensor"));
}

}  // namespace moe
