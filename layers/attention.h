// Self-attention with grouped key/value heads (Ainslie et al. 2023, arXiv 2305.13245) over
// scaled_dot_product_attention.
#pragma once

#include "layers/decoder_config.h"
#include "layers/initializer.h"
#include "layers/rotary.h"

namespace moe {

class Attention : public torch::nn::Module {
 public:
  Attention(const DecoderConfig& config, const Initializer& init);
  // x [B, S, D] -> [B, S, D]; `mask` as attention_mask() gives it.
  Tensor forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask);

 private:
  int64_t heads_, kv_heads_, head_dim_;
  Tensor qkv_;  // [(H + 2G) * C, D]: queries, keys, values
  Tensor out_;  // [D, H * C]
};

}  // namespace moe
