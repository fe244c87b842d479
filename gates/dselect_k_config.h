// Config of gates/dselect_k_gate.h.
#pragma once

#include "gates/gate_config.h"
#include "gates/learned_options_config.h"
#include "gates/ramp_config.h"

namespace moe {

struct DSelectKConfig : GateConfig {
  int64_t k = 2;
  // Published runs use 1. Behind a normalised input of width D and Adam a logit moves by about
  // 0.8 D lr a step, so bits 1 wide are decided, and frozen, within the first steps.
  double gamma = 10;
  double gamma_final = 0;        // at the end of its ramp; 0: gamma stays
  double gamma_from = 0;
  double gamma_until = 1;
  Ramp entropy{0.06, 0.1, 0.5};
  Ramp collision;                     // of selectors with each other, of one token
  Ramp load_balancing{0.1, 0, 0};     // of the mixed weights, over tokens; before bits are decided
  double reachability = 0.01;    // coefficient; only where experts is not a power of two
  // Published runs use 1: all tokens begin with the same undecided bits, which then move together, so that
  // selectors settle on one or two experts for all tokens. At 20 a bit's first logits differ from token to
  // token (deviation 0.12 gamma behind a normalised input) and hardly any is decided (beyond 0.5 gamma).
  double init_scale = 20;
  LearnedOptions learned;

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  int64_t first_slots(int64_t experts) const override;
  double saved_values_per_token(int64_t experts) const override;
  double flops_per_token(int64_t d_model, int64_t experts) const override;
  // False: the paper's static gate, one choice for all tokens.
  virtual bool per_token() const { return true; }
  // The width of the step at this share of the run, in [0, 1]: geometric from gamma to gamma_final.
  double gamma_at(double progress) const;
  void fields(Fields& f) override;
  void check(Rules& rules) const override;
};

// kind: dselect_k_static. Its bits are parameters of their own, which Adam moves by lr a step, whatever
// the width of the model, and no token differs from another: so a step function as wide as the published
// one, the published first values, and the entropy term from the first steps on.
struct DSelectKStaticConfig : DSelectKConfig {
  DSelectKStaticConfig() {
    gamma = 1;
    entropy = {0.03, 0, 0.1};
    load_balancing.value = 0;  // with one choice for all tokens the only balance is to stay dense
    init_scale = 1;
  }
  GateAbout about() const override;
  double saved_values_per_token(int64_t) const override { return 0; }
  double flops_per_token(int64_t, int64_t) const override { return 0; }  // once for all tokens of a step
  bool per_token() const override { return false; }
};

// m = ceil(log2 E): bits that spell an expert; 0 for one expert.
int64_t expert_bits(int64_t experts);

}  // namespace moe
