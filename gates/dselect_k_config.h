// Config of gates/dselect_k_gate.h.
#pragma once

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct DSelectKConfig : GateConfig {
  int64_t k = 2;
  // Published runs use 1. Behind a normalised input of width D and Adam a logit moves by about
  // 0.8 D lr a step, so bits 1 wide are decided, and frozen, within the first steps.
  double gamma = 10;
  double entropy = 0.03;         // coefficient once the ramp is over
  double entropy_from = 0.1;     // shares of the run between which the coefficient grows
  double entropy_until = 0.5;
  double reachability = 0.01;    // coefficient; only where experts is not a power of two
  double init_scale = 1;
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  int64_t first_slots(int64_t experts) const override;
  double saved_values_per_token(int64_t experts) const override;
  double flops_per_token(int64_t d_model, int64_t experts) const override;
  // False: the paper's static gate, one choice for all tokens.
  virtual bool per_token() const { return true; }
  // Coefficient of the entropy term at this share of the run, in [0, 1].
  double entropy_coefficient(double progress) const;
  void fields(Fields& f) override;
  void check(Rules& rules) const override;
};

// kind: dselect_k_static. Its bits are parameters of their own, which Adam moves by lr a step, whatever
// the width of the model: so a step function as wide as the published one, and the entropy term from
// the first steps on, as published.
struct DSelectKStaticConfig : DSelectKConfig {
  DSelectKStaticConfig() {
    gamma = 1;
    entropy_from = 0;
    entropy_until = 0.1;
  }
  GateAbout about() const override;
  double saved_values_per_token(int64_t) const override { return 0; }
  double flops_per_token(int64_t, int64_t) const override { return 0; }  // once for all tokens of a step
  bool per_token() const override { return false; }
};

// m = ceil(log2 E): bits that spell an expert; 0 for one expert.
int64_t expert_bits(int64_t experts);

}  // namespace moe
