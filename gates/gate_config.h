// What every gate's config can tell without LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/fields.h"

namespace moe {

// What docs/gates.md says of a gate; tests hold it to what the gate does.
struct GateAbout {
  std::string paper;                // who, year, arXiv id, section
  std::string slots;                // of a token, once the gate is sparse: "k"
  std::vector<std::string> losses;  // all it may have, by their names in metrics.jsonl's `aux`
  std::vector<std::string> state;   // buffers: what checkpoints hold beside its parameters
  std::string looks_ahead;          // settings with which it is not causal: "capacity_order: choice"
  bool flat_zeros = true;           // promise 3; else its Routing says skip_zeros = false
};

class GateConfig : public KindConfig {
 public:
  virtual GateAbout about() const = 0;
  // k: slots of a token once the gate is sparse; a dense mixture stays active in all its experts.
  // Experts' `d_hidden: auto` is active_width / (k + shared experts).
  virtual int64_t slots(int64_t experts) const = 0;
  // Slots of a token when training begins: for estimates of memory.
  virtual int64_t first_slots(int64_t experts) const { return slots(experts); }
  // False when a token's choice depends on later tokens of its own sequence.
  virtual bool causal() const { return true; }
  // False when, outside of training too, what a token is given depends on other tokens beside it: then it cannot be
  // fed alone after tokens whose keys and values are kept.
  virtual bool token_alone() const { return true; }
  // False when every weight is the same constant whatever the logits, so that the gate learns from its
  // losses alone.
  virtual bool task_reaches() const { return true; }
  // Rules that need the number of experts; `prefix` leads to the gate's section ("gate.").
  virtual void check_experts(Rules& rules, int64_t experts, const std::string& prefix) const;
  // Values that the gate leaves behind for backward, per token: for estimates of memory.
  virtual double saved_values_per_token(int64_t experts) const {
    return 4 * static_cast<double>(experts);
  }
  // Multiply-adds of the gate for one token, in FLOPs.
  virtual double flops_per_token(int64_t d_model, int64_t experts) const = 0;
  // False when the routing or a loss depends on how the tokens of a step are spread over ranks: the gate forms
  // something over one rank's tokens. Else R ranks compute what one does.
  virtual bool same_on_every_layout() const { return true; }
};

// The explicit list of gates, torch-free half: name, help, defaults. The other half, which makes
// them, is gates/gate_list.h; a test checks that both have the same names. Programs that link the
// library may append to both before reading a config.
KindList& gate_kinds();

// The config of a gate section.
inline const GateConfig& gate_config(const KindChoice& gate) {
  return static_cast<const GateConfig&>(*gate.config);
}

}  // namespace moe
