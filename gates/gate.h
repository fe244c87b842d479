// A gate: routing policy. Tokens in, Routing out; it moves no data and owns no experts.
#pragma once

#include "gates/rank_scope.h"
#include "gates/routing.h"

namespace moe {

struct GateInput {
  const Tensor& x;                // [T, D], T = B * S
  const ForwardContext& context;  // token ids, positions, segments, padding, B, S, step, training
  NoiseKey noise;                 // with this layer's number
  const RankScope& ranks;

  // [T] bool, or undefined: all valid.
  Tensor valid() const;
};

class Gate : public torch::nn::Module {
 public:
  // Pure: the same input gives the same routing.
  virtual Routing forward(const GateInput& input) = 0;
  // The only place where state changes, once per optimizer step, with that step's statistics over
  // all ranks and micro-batches.
  virtual void end_step(const GateStats& stats);
};

}  // namespace moe
