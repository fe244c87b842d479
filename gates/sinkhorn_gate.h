// S-BASE (Clark et al. 2022, arXiv 2202.01169), as Megatron-LM has it: in training the matrix
// exp(logits) is scaled until every token has the same mass and every expert too (Sinkhorn and Knopp
// 1967), and a token goes to the k largest of its scaled row. Selection alone is balanced; the weight
// is the unscaled one's. Scaling sees all tokens, so training is not causal; evaluation is.
#pragma once

#include "gates/gate.h"
#include "gates/sinkhorn_config.h"
#include "layers/initializer.h"

namespace moe {

class SinkhornGate : public Gate {
 public:
  SinkhornGate(const SinkhornConfig& config, int64_t d_model, int64_t experts,
               const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  SinkhornConfig config_;
  Tensor weight_;  // [E, D]
};

struct Balanced {
  Tensor matrix;      // [T, E]: rows sum to 1 / tokens, columns to 1 / E, once converged
  Tensor iterations;  // scalar float64: those that changed it
};

// Scales exp(logits) [T, E] over the valid tokens of all ranks. Each row's largest logit is taken off
// first, which scaling undoes, so nothing overflows. Without gradient.
Balanced sinkhorn(const Tensor& logits, const Tensor& valid, const RankScope& ranks,
                  int64_t iterations, double tolerance);

}  // namespace moe
