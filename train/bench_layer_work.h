// One MoE layer and what goes through it, for benches: as in a training step that is not logged.
#pragma once

#include <memory>
#include <string>

#include "moe/make_moe_layer.h"
#include "train/bench.h"

namespace moe {

class LayerWork {
 public:
  // `gate`: its section without k, as in "kind: top_k". `rank`: whose tokens; others have other values.
  // ConfigError for a shape that no layer can have.
  LayerWork(const LayerShape& shape, const std::string& gate, const Layout& layout = {},
            int64_t rank = 0);

  Gate& gate() { return layer_->gate(); }
  Routing route();

  void layer_pass();  // forward and backward
  void gate_pass();   // of the gate alone, with its losses
  double slots_per_token();

 private:
  void backward(const Tensor& y, const Tensor& dy, const std::vector<AuxLoss>& aux);

  std::shared_ptr<MoeLayer> layer_;
  Tensor x_, dy_;
  ForwardContext context_;
  OneRank ranks_;
};

}  // namespace moe
