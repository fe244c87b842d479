// What the decoder calls between attention blocks: one dense network (layers/mlp.h) or a mixture of
// experts (moe/moe_layer.h).
#pragma once

#include <memory>
#include <vector>

#include "layers/forward_context.h"
#include "layers/torch.h"

namespace moe {

// Opaque here; moe/ implements it and train/ reads it.
class LayerReport {
 public:
  virtual ~LayerReport() = default;
};

struct FeedForwardOutput {
  Tensor y;  // [T, D]
  std::vector<AuxLoss> aux;
  std::shared_ptr<const LayerReport> report;  // null for a dense layer
};

class FeedForward : public torch::nn::Module {
 public:
  // x [T, D], rows in the order of context.token_ids; returns y [T, D]. Pure.
  virtual FeedForwardOutput forward(const Tensor& x, const ForwardContext& context) = 0;
};

}  // namespace moe
