// ST-MoE's gate (Zoph et al. 2022, arXiv 2202.08906, sections 3 and 5), a setting of
// gates/top_2_gate.h: z-loss, few second experts, tight capacity, weights as the softmax gives them.
#pragma once

#include "gates/gate_config.h"
#include "gates/top_2_config.h"

namespace moe {

struct StMoeConfig : GateConfig {
  Top2Options options;
  double init_std = 0.02;  // of the first weights, at any width

  StMoeConfig();
  GateAbout about() const override;
  int64_t slots(int64_t experts) const override { return Top2Options::slots(experts); }
  bool causal() const override { return options.capacity.causal(); }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * d_model * experts;
  }
  bool same_on_every_layout() const override { return options.balance.same_on_every_layout(); }
  void fields(Fields& f) override;
};

}  // namespace moe
