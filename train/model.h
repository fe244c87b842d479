// The model of a run: layers/'s decoder with dense or sparse feed-forwards, composed here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "layers/decoder.h"
#include "moe/make_moe_layer.h"
#include "moe/moe_layer.h"
#include "train/run_config.h"

namespace moe {

struct Model {
  std::shared_ptr<Decoder> decoder;
  std::vector<std::shared_ptr<MoeLayer>> moe_layers;  // those that are, in order
};

// With this rank's share of the experts.
Model build_model(const ModelConfig& config, int64_t vocabulary, const Initializer& init,
                  const Layout& layout = {});

struct ParameterCount {
  int64_t total = 0;
  int64_t active = 0;  // what one token passes through once the gate is sparse; embeddings included
};
// Of a decoder that has all experts.
ParameterCount count_parameters(const ModelConfig& config, const Decoder& decoder);

// Whether a parameter or buffer is a gate's; `name` as in keeps_float32().
bool belongs_to_gate(const std::string& name);

// Whether a parameter stays float32 in a bf16 model: norm weights and biases (one dimension), which
// are small, and all of a gate, whose choices half precision would change (Switch Transformer, arXiv
// 2101.03961, section 2.4). `name` as named_parameters() of the decoder or of one layer gives it.
bool keeps_float32(const std::string& name, const Tensor& parameter);

// The device that train.device names, of several GPUs the one with this rank's number on its machine;
// ConfigError for cuda without one.
at::Device choose_device(const std::string& word, int64_t local_rank = 0);
// What parameters and their originals are made of, by train.dtype.
at::ScalarType original_dtype(const std::string& dtype);

}  // namespace moe
