#include "layers/attention.h"

#include <cmath>
#include <tuple>

#include "layers/shapes.h"

namespace moe {

Attention::Attention(const DecoderConfig& config, const Initializer& init)
    : heads_(config.heads), kv_heads_(config.kv_heads_or_heads()), head_dim_(config.head_width()) {
  const int64_t D = config.d_model;
  qkv_ = register_parameter(
      "qkv", init.normal("qkv", {(heads_ + 2 * kv_heads_) * head_dim_, D}, 1 / std::sqrt(D)));
  out_ = register_parameter(
      "out", init.normal("out", {D, heads_ * head_dim_},
                         config.depth_scale() / std::sqrt(heads_ * head_dim_)));
  if (config.qk_norm) {
    const auto norm = [&](const char* name) {
      return register_module(
          name, std::make_shared<RmsNorm>(head_dim_, config.norm_eps, init.in(name)));
    };
    q_norm_ = norm("q_norm");
    k_norm_ = norm("k_norm");
  }
}

Tensor Attention::forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask,
                          KvCache* cache, size_t layer) {
  check_shape(x, {-1, -1, qkv_.size(1)}, "Attention input");
  const int64_t B = x.size(0), S = x.size(1);
  const auto qkv =
      at::linear(x, qkv_).view({B, S, heads_ + 2 * kv_heads_, head_dim_});  // [B, S, H+2G, C]
  const auto parts = qkv.split_with_sizes({heads_ + kv_heads_, kv_heads_}, 2);
  auto queries_keys = parts[0];                                               // [B, S, H+G, C]
  if (q_norm_) {
    queries_keys = at::cat({q_norm_->forward(parts[0].narrow(2, 0, heads_)),
                            k_norm_->forward(parts[0].narrow(2, heads_, kv_heads_))},
                           2);
  }
  const auto turned = rotate(queries_keys, rotary).split_with_sizes({heads_, kv_heads_}, 2);
  auto keys = turned[1], values = parts[1];                                   // [B, S, G, C]
  if (cache != nullptr) {
    std::tie(keys, values) = cache->append(layer, keys, values);              // [B, N, G, C], N >= S
  }
  // Each key/value head serves H/G neighbouring query heads.
  const auto spread = [&](const Tensor& t) {
    if (heads_ == kv_heads_) {
      return t.transpose(1, 2);                                               // [B, H, N, C]
    }
    return t.unsqueeze(3)
        .expand({B, t.size(1), kv_heads_, heads_ / kv_heads_, head_dim_})
        .reshape({B, t.size(1), heads_, head_dim_})
        .transpose(1, 2);                                                     // [B, H, N, C]
  };
  std::optional<Tensor> given;
  if (mask.defined()) {
    given = mask;
  }
  // One token after kept ones sees them all; by the kernels' rule it would see the first alone.
  const bool causal = !given && keys.size(1) == S;
  const auto mixed = at::scaled_dot_product_attention(turned[0].transpose(1, 2), spread(keys),
                                                      spread(values), given, /*dropout_p=*/0.0,
                                                      causal);                // [B, H, S, C]
  return at::linear(mixed.transpose(1, 2).reshape({B, S, heads_ * head_dim_}), out_);
}

}  // namespace moe
