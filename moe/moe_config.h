// Section `model.moe`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/fields.h"
#include "gates/gate_config.h"
#include "moe/layer_options_config.h"

namespace moe {

struct MoeConfig {
  int64_t experts = 8;
  std::optional<int64_t> d_hidden;  // auto: active_width / (k + shared_experts)
  // Experts for what all tokens need, so that the gate's can differ (DeepSeekMoE, Dai et al. 2024,
  // arXiv 2401.06066, section 3.2; OLMoE, arXiv 2409.02060, found none to be better).
  int64_t shared_experts = 0;
  int64_t first_dense = 0;
  int64_t every = 1;
  std::string dispatch = "auto";
  // Live slots that a layer computes at once; more go in chunks, whose hidden values backward computes
  // again (moe/slot_chunks.h).
  int64_t max_slots_per_chunk = 0;
  bool allow_future_leak = false;
  KindChoice gate{gate_kinds(), "top_k"};
  NamedSections<LayerOptions> layers;  // by number or range: what is different there

  // Whether this layer (from 0) is a mixture; the others are dense networks of the active width.
  bool has_experts(int64_t layer) const;
  // Those of `layers` layers that are, in order.
  std::vector<int64_t> expert_layers(int64_t layers) const;
  const KindChoice& gate_of(int64_t layer) const;
  // k of this layer: experts of a token once its gate is sparse, shared ones not counted.
  int64_t slots(int64_t layer) const;
  // F, the width of one expert of this layer, in a model of this active width.
  int64_t expert_width(int64_t layer, int64_t active_width) const;

  void fields(Fields& f);
  // Rules that need the decoder's active width and number of layers.
  void check(Rules& rules, int64_t active_width, int64_t model_layers) const;

 private:
  void check_gate(Rules& rules, const KindChoice& choice, const std::string& place,
                  int64_t active_width) const;
  // For every layer the name of the entry of `layers` that is about it, or null.
  std::vector<const std::string*> check_layers(Rules& rules, int64_t model_layers) const;
};

}  // namespace moe
