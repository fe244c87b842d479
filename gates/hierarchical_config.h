// Config of gates/hierarchical_gate.h.
#pragma once

#include "gates/gate_config.h"

namespace moe {

// gate_kinds() without `hierarchical`: two levels, not more.
KindList& level_gate_kinds();

struct HierarchicalConfig : GateConfig {
  int64_t groups = 2;  // of experts / groups each
  KindChoice outer{level_gate_kinds(), "top_k"};
  KindChoice inner{level_gate_kinds(), "top_k"};

  GateAbout about() const override;
  int64_t slots(int64_t experts) const override;
  int64_t first_slots(int64_t experts) const override;
  bool causal() const override;
  bool token_alone() const override;
  bool task_reaches() const override;
  void check_experts(Rules& rules, int64_t experts, const std::string& prefix) const override;
  double saved_values_per_token(int64_t experts) const override;
  double flops_per_token(int64_t d_model, int64_t experts) const override;
  bool same_on_every_layout() const override;
  void fields(Fields& f) override;
  void check(Rules& rules) const override;
};

}  // namespace moe
