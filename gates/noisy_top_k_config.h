// Config of gates/noisy_top_k_gate.h.
#pragma once

#include <string>

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct NoisyTopKConfig : GateConfig {
  int64_t k = 2;
  double importance = 0.1;  // coefficient of CV^2 of the sums of weights
  double load = 0.1;        // coefficient of CV^2 of the expected loads
  std::string balance_scope = "world";
  double init_scale = 0;    // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  bool task_reaches() const override { return k > 1; }  // a softmax over one logit is 1
  // Logits, their noise and its deviation, thresholds, loads: some ten rows of E.
  double saved_values_per_token(int64_t experts) const override {
    return 10 * static_cast<double>(experts);
  }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 4.0 * d_model * experts;
  }
  bool same_on_every_layout() const override { return balance_scope != "micro_batch"; }
  void fields(Fields& f) override;
};

}  // namespace moe
