// Config of gates/sinkhorn_gate.h.
#pragma once

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct SinkhornConfig : GateConfig {
  int64_t k = 1;
  int64_t iterations = 50;
  double tolerance = 1e-4;
  double init_scale = 1;  // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  bool causal() const override { return false; }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * static_cast<double>(d_model) * static_cast<double>(experts);
  }
  void fields(Fields& f) override;
};

}  // namespace moe
