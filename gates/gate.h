// A gate: routing policy. Tokens in, Routing out; it moves no data and owns no experts.
#pragma once

#include "gates/rank_scope.h"
#include "gates/routing.h"

namespace moe {

struct GateInput {
  const Tensor& x;                // [T, D], T = B * S; on one of many ranks T may be 0
  const ForwardContext& context;  // token ids, positions, segments, padding, B, S, step, training
  NoiseKey noise;                 // with this layer's number
  const RankScope& ranks;
  // Of these tokens, those that the gate above is expected to send here (hierarchical): capacity counts
  // no others. Not those that are valid, whose number depends on later tokens.
  double share = 1;

  // [T] bool, or undefined: all valid.
  Tensor valid() const;
};

// Statistics of one optimizer step, over all ranks and micro-batches.
struct StepStats {
  const GateStats& layer;  // of the gate's own layer
  const GateStats& model;  // added up over all layers whose gate has the same kind and k; no own figures
};

// State that is not learned by gradient is a registered buffer, changed in place by end_step(): checkpoints
// hold and restore a gate's parameters and buffers.
class Gate : public torch::nn::Module {
 public:
  // Pure: the same input gives the same routing.
  virtual Routing forward(const GateInput& input) = 0;
  // The only place where state changes, once per optimizer step.
  virtual void end_step(const StepStats& stats);
};

}  // namespace moe
