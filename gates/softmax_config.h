// Config of gates/softmax_gate.h.
#pragma once

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct SoftmaxConfig : GateConfig {
  double load_balancing = 0;  // coefficient of load_balancing_loss over first choices
  double init_scale = 1;      // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t experts) const override { return experts; }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * static_cast<double>(d_model) * static_cast<double>(experts);
  }
  void fields(Fields& f) override;
};

}  // namespace moe
