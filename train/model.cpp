#include "train/model.h"

#include "configs/errors.h"
#include "layers/mlp.h"
#include "moe/make_moe_layer.h"

namespace moe {

Model build_model(const ModelConfig& config, int64_t vocabulary, const Initializer& init) {
  Model model;
  const auto feed_forward = [&](int64_t layer,
                                const Initializer& below) -> std::shared_ptr<FeedForward> {
    if (!config.moe) {
      return std::make_shared<Mlp>(config.d_model, config.active_width, config.depth_scale(),
                                   below);
    }
    model.moe_layers.push_back(make_moe_layer(*config.moe, layer, config.d_model,
                                              config.active_width, config.depth_scale(), below));
    return model.moe_layers.back();
  };
  model.decoder = std::make_shared<Decoder>(config, vocabulary, feed_forward, init);
  return model;
}

ParameterCount count_parameters(const ModelConfig& config, const Decoder& decoder) {
  ParameterCount count;
  for (const auto& parameter : decoder.parameters()) {
    count.total += parameter.numel();
  }
  count.active = count.total;
  if (config.moe) {
    const int64_t idle = config.moe->experts - gate_config(config.moe->gate).slots();
    const int64_t expert = 3 * config.d_model * config.moe->expert_width(config.active_width);
    count.active -= config.layers * idle * expert;
  }
  return count;
}

at::Device choose_device(const std::string& word) {
  const bool cuda = at::hasCUDA();
  if (word == "cuda" && !cuda) {
    throw ConfigError("train.device: cuda was asked for, and this build or machine has none: "
                      "use cpu or auto");
  }
  return word != "cpu" && cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

}  // namespace moe
