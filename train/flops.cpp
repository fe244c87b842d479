#include "train/flops.h"

#include "layers/activation_config.h"

namespace moe {

double FlopsPerToken::per_slot(int64_t layer) const {
  for (const auto& of_layer : experts) {
    if (of_layer.layer == layer) {
      return of_layer.per_slot;
    }
  }
  return 0;
}

double FlopsPerToken::training_once_sparse() const {
  double forward = attention + other;
  for (const auto& of_layer : experts) {
    forward += of_layer.slots * of_layer.per_slot;
  }
  return 3 * forward;
}

FlopsPerToken flops_per_token(const ModelConfig& config, int64_t vocabulary) {
  const double D = static_cast<double>(config.d_model), S = static_cast<double>(config.context);
  const double H = static_cast<double>(config.heads), C = static_cast<double>(config.head_width());
  const double G = static_cast<double>(config.kv_heads_or_heads());
  const double layers = static_cast<double>(config.layers);
  // A feed-forward of width 1.
  const double unit = 2 * D * static_cast<double>(matrices(activation_of(config.activation)));
  FlopsPerToken flops;
  // A token attends to (S + 1) / 2 others on average; scores and mixing cost 2C each per pair.
  flops.attention_per_pair = layers * H * 4 * C;
  flops.attention = flops.attention_per_pair * (S + 1) / 2;
  flops.head = 2 * D * static_cast<double>(vocabulary);
  flops.other = layers * 2 * D * C * (2 * H + 2 * G) + flops.head;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    if (!config.moe || !config.moe->has_experts(layer)) {
      flops.other += unit * static_cast<double>(config.active_width);
      continue;
    }
    const auto& moe = *config.moe;
    const double expert = unit * static_cast<double>(moe.expert_width(layer, config.active_width));
    flops.experts.push_back({layer, static_cast<double>(moe.slots(layer)), expert});
    flops.other += static_cast<double>(moe.shared_experts) * expert +
                   gate_config(moe.gate_of(layer)).flops_per_token(config.d_model, moe.experts);
  }
  return flops;
}

}  // namespace moe
