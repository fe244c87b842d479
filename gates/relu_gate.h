// ReLU routing (ReMoE: Wang, Chen, Zhu 2024, arXiv 2412.14711): weight = relu(x W), so an expert is
// live where its logit is positive. Differentiable, with as many experts as a token needs, and
// exactly sparse: relu's slope at 0 is 0, so zeros are flat. An L1 loss makes it sparse; its
// coefficient lambda grows while tokens have more than k slots and shrinks else, so the mean
// settles at k.
#pragma once

#include "gates/gate.h"
#include "gates/relu_config.h"
#include "layers/initializer.h"

namespace moe {

class ReluGate : public Gate {
 public:
  ReluGate(const ReluConfig& config, int64_t d_model, int64_t experts, const Initializer& init);
  // The loss "l1" is lambda times the L1, with coefficient 1: lambda lives on the device. Both
  // factors are among the gate's figures.
  Routing forward(const GateInput& input) override;
  // lambda *= lambda_factor where tokens have more than k live slots on average over all layers of
  // this kind, else lambda /= lambda_factor, but not below its first value; so all layers keep one
  // lambda.
  void end_step(const StepStats& stats) override;

 private:
  ReluConfig config_;
  Tensor weight_;  // [E, D]
  Tensor lambda_;  // scalar, float32
};

// The L1 of non-negative weights [T, E], over the T valid tokens of all ranks:
//   plain     1 / T sum_te weight[t, e]
//   balanced  E / (k T^2) sum_e count_e sum_t weight[t, e],   count_e = tokens with weight > 0
// They are equal where load is even and a token has k slots. Counts carry no gradient. Tokens that
// are not valid must weigh 0; `valid` [T] bool or undefined.
Tensor l1_loss(const Tensor& weight, int64_t k, bool balanced, const Tensor& valid,
               const RankScope& ranks);

}  // namespace moe
