// A mixture-of-experts feed-forward: gate -> dispatch -> experts, and shared experts that every token
// passes through. The decoder sees a FeedForward.
#pragma once

#include <memory>
#include <optional>

#include "gates/gate.h"
#include "layers/feed_forward.h"
#include "layers/mlp.h"
#include "moe/dispatcher.h"
#include "moe/experts.h"

namespace moe {

// Everything of the routing of one forward pass, detached; with ForwardContext::keep_routing.
struct KeptRouting {
  Tensor expert;        // [T, K]
  Tensor weight;        // [T, K]
  Tensor distribution;  // [T, E], as GateStats has it
};

// What one forward pass of a MoE layer did; read by train/.
struct MoeReport : LayerReport {
  int64_t layer = 0;
  GateStats stats;
  std::optional<KeptRouting> routing;
  int64_t rows_executed = 0;
  double rows_recomputed = 0;  // in backward, as Dispatched has it
  int64_t host_syncs = 0;
};

class MoeLayer : public FeedForward {
 public:
  // `shared`: n experts of width F as one network of width n F, which is the same sum; or null. `ranks`:
  // those over which the gate forms its sums.
  MoeLayer(int64_t layer, std::shared_ptr<Gate> gate, std::shared_ptr<Experts> experts,
           std::shared_ptr<Mlp> shared, std::unique_ptr<Dispatcher> dispatcher,
           std::unique_ptr<RankScope> ranks = std::make_unique<OneRank>());
  FeedForwardOutput forward(const Tensor& x, const ForwardContext& context) override;

  int64_t layer() const { return layer_; }
  Gate& gate() { return *gate_; }

 private:
  int64_t layer_;
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<Experts> experts_;
  std::shared_ptr<Mlp> shared_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<RankScope> ranks_;
};

}  // namespace moe
