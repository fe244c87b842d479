// Balance without a balance loss (Wang et al. 2024, arXiv 2408.15664; DeepSeek-V3, arXiv
// 2412.19437, section 2.1.2): every expert has a bias that counts in the choice alone. After each
// step it moves by a fixed amount against the expert's load, so that balance costs the task's
// gradient nothing.
#pragma once

#include "gates/bias_balanced_config.h"
#include "gates/gate.h"
#include "layers/initializer.h"

namespace moe {

class BiasBalancedGate : public Gate {
 public:
  BiasBalancedGate(const BiasBalancedConfig& config, int64_t d_model, int64_t experts,
                   const Initializer& init);
  Routing forward(const GateInput& input) override;
  // bias_e += update_rate * sign(mean load - load of e), the load being live slots of the whole
  // step.
  void end_step(const StepStats& stats) override;

 private:
  BiasBalancedConfig config_;
  int64_t experts_;
  Tensor weight_;  // [E, D]
  Tensor bias_;    // [E] float32 whatever the gate's dtype: update_rate is far below bf16's steps
};

// Scores [T, E] with minus infinity in all but the `kept` groups with the largest sum of their two
// best scores. Of `groups` groups of E / groups experts each; of equal ones the lower number is
// kept. Minus infinity and not 0, as in some published code: with a negative bias a 0 would win.
// Megatron sums the best k / kept scores of a group: the same where that is 2, as in DeepSeek-V3.
Tensor limit_groups(const Tensor& scores, int64_t groups, int64_t kept);

}  // namespace moe
