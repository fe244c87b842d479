// Config of gates/relu_gate.h.
#pragma once

#include <algorithm>

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct ReluConfig : GateConfig {
  int64_t k = 2;               // what lambda steers the mean number of slots to
  bool balanced = true;        // L1 weighted by every expert's load
  double lambda = 1e-8;        // first coefficient of the L1
  double lambda_factor = 1.2;  // that a step multiplies or divides it by
  double init_scale = 1;       // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  // Logits are symmetric at first, so half of them are positive.
  int64_t first_slots(int64_t experts) const override { return std::max(k, (experts + 1) / 2); }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * d_model * experts;
  }
  void fields(Fields& f) override;
};

}  // namespace moe
