// Keys and values of tokens that a decoder was fed before, so that it is fed only what comes after them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "layers/torch.h"

namespace moe {

// For reading alone: nothing here has a gradient. Memory is taken at the first tokens, for `capacity` of them. Kept
// keys are turned to their positions already.
class KvCache {
 public:
  explicit KvCache(int64_t capacity) : capacity_(capacity) {}

  int64_t capacity() const { return capacity_; }
  // How many are kept of every row.
  int64_t tokens() const { return tokens_; }

  // Writes a layer's keys and values of new tokens, [B, S, G, C], behind those that are kept, and returns those of all,
  // [B, tokens() + S, G, C]. They are kept once advance() says so: a forward pass that breaks off changes nothing.
  std::pair<Tensor, Tensor> append(size_t layer, const Tensor& keys, const Tensor& values) {
    if (layer >= layers_.size()) {
      layers_.resize(layer + 1);
    }
    return {joined(layers_[layer].keys, keys), joined(layers_[layer].values, values)};
  }
  void advance(int64_t tokens) { tokens_ += tokens; }

 private:
  struct Layer {
    Tensor keys, values;  // [B, G, capacity, C]
  };

  Tensor joined(Tensor& kept, const Tensor& added) const {
    const int64_t B = added.size(0), S = added.size(1), G = added.size(2), C = added.size(3);
    if (!kept.defined()) {
      kept = at::empty({B, G, capacity_, C}, added.options());
    }
    TORCH_CHECK(kept.size(0) == B, "KvCache: ", B, " rows after ", kept.size(0));
    kept.narrow(2, tokens_, S).copy_(added.transpose(1, 2));
    return kept.narrow(2, 0, tokens_ + S).transpose(1, 2);
  }

  int64_t capacity_, tokens_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace moe
