#include "train/model.h"

#include "configs/errors.h"
#include "layers/mlp.h"

namespace moe {

Model build_model(const ModelConfig& config, int64_t vocabulary, const Initializer& init,
                  const Layout& layout) {
  Model model;
  const auto activation = activation_of(config.activation);
  const auto feed_forward = [&](int64_t layer,
                                const Initializer& below) -> std::shared_ptr<FeedForward> {
    if (!config.moe || !config.moe->has_experts(layer)) {
      return std::make_shared<Mlp>(config.d_model, config.active_width, activation,
                                   config.depth_scale(), below);
    }
    model.moe_layers.push_back(make_moe_layer(*config.moe, layer, config.d_model,
                                              config.active_width, activation,
                                              config.depth_scale(), below, vocabulary, layout));
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
    const auto& moe = *config.moe;
    const int64_t unit = matrices(activation_of(config.activation)) * config.d_model;
    for (const int64_t layer : moe.expert_layers(config.layers)) {
      const int64_t idle = moe.experts - moe.slots(layer);
      count.active -= idle * unit * moe.expert_width(layer, config.active_width);
    }
  }
  return count;
}

bool belongs_to_gate(const std::string& name) {
  return name.rfind("gate.", 0) == 0 || name.find(".gate.") != std::string::npos;
}

bool keeps_float32(const std::string& name, const Tensor& parameter) {
  return parameter.dim() < 2 || belongs_to_gate(name);
}

at::Device choose_device(const std::string& word, int64_t local_rank) {
  const bool cuda = at::hasCUDA();
  if (word == "cuda" && !cuda) {
    throw ConfigError("train.device: cuda was asked for, and this build or machine has none: "
                      "use cpu or auto");
  }
  return word != "cpu" && cuda ? at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(local_rank)) : at::Device(at::kCPU);
}

at::ScalarType original_dtype(const std::string& dtype) {
  return dtype == "fp64" ? at::kDouble : at::kFloat;
}

}  // namespace moe
