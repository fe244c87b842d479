// Published gates that are Top-k with certain settings: they expand into its config, so there is one
// gate to test.
#pragma once

#include "gates/top_k_config.h"

namespace moe {

class TopKPreset : public GateConfig {
 public:
  virtual TopKConfig expand() const = 0;
  int64_t slots(int64_t experts) const override { return expand().slots(experts); }
  bool causal() const override { return expand().causal(); }
  bool task_reaches() const override { return expand().task_reaches(); }
  double flops_per_token(int64_t d_model, int64_t experts) const override {
    return expand().flops_per_token(d_model, experts);
  }
  bool same_on_every_layout() const override { return expand().same_on_every_layout(); }
};

// Switch Transformer (Fedus, Zoph, Shazeer 2021, arXiv 2101.03961, sections 2.2 and 2.4): top-1 whose
// weight is the probability itself, so that the gate learns through it.
struct SwitchConfig : TopKPreset {
  double capacity_factor = 1.25;
  LearnedOptions learned{0.01, 0};
  double load_balancing = 0.01;
  double init_scale = 0.3162278;  // sqrt(0.1): published is a deviation of sqrt(s / d_model), s = 0.1

  GateAbout about() const override;
  TopKConfig expand() const override;
  void fields(Fields& f) override;
};

// Mixtral (Jiang et al. 2024, arXiv 2401.04088, section 2.1).
struct MixtralConfig : TopKPreset {
  int64_t k = 2;
  double load_balancing = 0.01;
  double init_scale = 1;
  LearnedOptions learned;

  GateAbout about() const override;
  TopKConfig expand() const override;
  void fields(Fields& f) override;
};

}  // namespace moe
