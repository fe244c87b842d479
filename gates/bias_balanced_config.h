// Config of gates/bias_balanced_gate.h.
#pragma once

#include <string>

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct BiasBalancedConfig : GateConfig {
  int64_t k = 2;
  std::string score = "sigmoid";
  bool normalize = true;  // weights of a token sum to `scale`
  double scale = 1;
  double update_rate = 1e-3;       // of the bias, a step
  int64_t groups = 1;              // of experts, by number: 0 .. E / groups - 1, and so on
  int64_t groups_kept = 1;         // of a token
  double sequence_balance = 1e-4;  // coefficient of the loss within sequences
  double init_scale = 1;           // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  bool task_reaches() const override { return k > 1 || !normalize; }
  void check_experts(Rules& rules, int64_t experts, const std::string& prefix) const override;
  // Scores, biased scores, and what the loss keeps of both.
  double saved_values_per_token(int64_t experts) const override {
    return 6 * static_cast<double>(experts);
  }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * d_model * experts;
  }
  void fields(Fields& f) override;
  void check(Rules& rules) const override;
};

}  // namespace moe
