// Config of gates/base_gate.h.
#pragma once

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct BaseConfig : GateConfig {
  double init_scale = 0.1;  // length of the first centroids, which are orthogonal
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return 1; }
  bool causal() const override { return false; }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * static_cast<double>(d_model) * static_cast<double>(experts);
  }
  // The balanced assignment is of one rank's tokens: its equal share of every expert.
  bool same_on_every_layout() const override { return false; }
  void fields(Fields& f) override;
};

}  // namespace moe
