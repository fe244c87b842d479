// Config of gates/expert_choice_gate.h.
#pragma once

#include <string>

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct ExpertChoiceConfig : GateConfig {
  int64_t k = 2;                 // mean experts of a token: the paper's capacity factor c
  int64_t group_tokens = 0;      // experts choose among that many; 0: those of a rank's micro-batch
  std::string over = "experts";  // what the softmax is over
  double init_scale = 1;         // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  bool causal() const override { return false; }
  bool token_alone() const override { return false; }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * static_cast<double>(d_model) * static_cast<double>(experts);
  }
  // Weight and choice stay [T, E].
  double saved_values_per_token(int64_t experts) const override {
    return 6 * static_cast<double>(experts);
  }
  // Experts choose among one rank's tokens; groups end where these do.
  bool same_on_every_layout() const override { return false; }
  void fields(Fields& f) override;
};

}  // namespace moe
