// Config of gates/top_k_gate.h.
#pragma once

#include <string>

#include "gates/balance_config.h"
#include "gates/capacity_config.h"
#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct TopKConfig : GateConfig {
  int64_t k = 2;
  std::string softmax = "before";  // the selection, over all experts; or after it, over the kept
  bool renormalize = true;         // kept weights sum to 1
  CapacityOptions capacity;
  BalanceOptions balance;
  double init_scale = 1;           // first weights: normal, init_scale / sqrt(d_model)
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  bool causal() const override { return capacity.causal(); }
  bool task_reaches() const override { return k > 1 || (softmax == "before" && !renormalize); }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return 2.0 * d_model * experts;
  }
  bool same_on_every_layout() const override { return balance.same_on_every_layout(); }
  void fields(Fields& f) override;
};

}  // namespace moe
