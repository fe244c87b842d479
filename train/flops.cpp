#include "train/flops.h"

namespace moe {

FlopsPerToken flops_per_token(const ModelConfig& config, int64_t vocabulary) {
  const double D = static_cast<double>(config.d_model), S = static_cast<double>(config.context);
  const double H = static_cast<double>(config.heads), C = static_cast<double>(config.head_width());
  const double G = static_cast<double>(config.kv_heads_or_heads());
  const double layers = static_cast<double>(config.layers);
  FlopsPerToken flops;
  // A token attends to (S + 1) / 2 others on average; scores and mixing cost 2C each per pair.
  flops.attention = layers * H * 4 * C * (S + 1) / 2;
  flops.other = layers * 2 * D * C * (2 * H + 2 * G) + 2 * D * static_cast<double>(vocabulary);
  if (config.moe) {
    const auto& gate = gate_config(config.moe->gate);
    flops.moe_layers = config.layers;
    flops.slots = static_cast<double>(gate.slots());
    flops.per_slot = 6 * D * static_cast<double>(config.moe->expert_width(config.active_width));
    flops.other += layers * gate.flops_per_token(config.d_model, config.moe->experts);
  } else {
    flops.other += layers * 6 * D * static_cast<double>(config.active_width);
  }
  return flops;
}

}  // namespace moe
