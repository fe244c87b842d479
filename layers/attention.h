// Self-attention with grouped key/value heads (Ainslie et al. 2023, arXiv 2305.13245; one of them is
// multi-query, Shazeer 2019, arXiv 1911.02150) over scaled_dot_product_attention.
//
// With qk_norm every head's query and key is RMS-normalised over its own components before it is
// turned, one weight for all query heads and one for all key heads (Qwen3's form of Dehghani et al.
// 2023, arXiv 2302.05442): logits cannot grow with the norms of queries and keys.
#pragma once

#include "layers/decoder_config.h"
#include "layers/initializer.h"
#include "layers/kv_cache.h"
#include "layers/rms_norm.h"
#include "layers/rotary.h"

namespace moe {

class Attention : public torch::nn::Module {
 public:
  Attention(const DecoderConfig& config, const Initializer& init);
  // x [B, S, D] -> [B, S, D]; `mask` as attention_bias() gives it. With a cache x is of new tokens alone: they see
  // those that it keeps of this layer too, and are written behind them.
  Tensor forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask,
                 KvCache* cache = nullptr, size_t layer = 0);

 private:
  int64_t heads_, kv_heads_, head_dim_;
  Tensor qkv_;  // [(H + 2G) * C, D]: queries, keys, values
  Tensor out_;  // [D, H * C]
  std::shared_ptr<RmsNorm> q_norm_, k_norm_;  // [C] each; null without qk_norm
};

}  // namespace moe
