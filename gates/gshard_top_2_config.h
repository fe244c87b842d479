// GShard's gate (Lepikhin et al. 2020, arXiv 2006.16668, section 2.2, algorithm 1), a setting of
// gates/top_2_gate.h: the second expert is taken at random, the more often the larger its share.
#pragma once

#include "gates/gate_config.h"
#include "gates/top_2_config.h"

namespace moe {

struct GshardTop2Config : GateConfig {
  Top2Options options;
  double init_scale = 1;  // first weights: normal, init_scale / sqrt(d_model)

  GshardTop2Config() { options.capacity.factor = 2; }  // 2 N / E tokens per expert, as published
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
