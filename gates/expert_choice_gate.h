// Expert choice (Zhou et al. 2022, arXiv 2202.09368): experts choose tokens, not tokens experts. Each
// takes the ceil(N k / E) tokens of its group of N that score highest with it, so load is even by
// construction and no loss is needed; a token may have no expert or all of them. A choice depends on
// every token of the group, so the gate is not causal, in evaluation and generation neither.
#pragma once

#include "gates/expert_choice_config.h"
#include "gates/gate.h"
#include "layers/initializer.h"

namespace moe {

class ExpertChoiceGate : public Gate {
 public:
  ExpertChoiceGate(const ExpertChoiceConfig& config, int64_t d_model, int64_t experts,
                   const Initializer& init);
  // K = E: slot e is expert e, or empty where e did not take the token.
  Routing forward(const GateInput& input) override;

 private:
  ExpertChoiceConfig config_;
  int64_t experts_;
  Tensor weight_;  // [E, D]
};

// Which tokens each expert takes: those among the capacity[g] best of their group; of equal scores the
// earlier token. score [G, N, E]; open [G, N, E] bool: who may be taken at all; capacity [G, 1, 1]
// int64. Returns [G, N, E] bool.
Tensor taken_by_experts(const Tensor& score, const Tensor& open, const Tensor& capacity);

}  // namespace moe
