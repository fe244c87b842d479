// Section `model`, without its experts (`model.moe` is moe/moe_config.h).
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "configs/fields.h"

namespace moe {

struct DecoderConfig {
  int64_t d_model = 256;
  int64_t layers = 4;
  int64_t heads = 4;
  std::optional<int64_t> kv_heads;  // auto: heads
  std::optional<int64_t> head_dim;  // auto: d_model / heads
  int64_t context = 256;
  int64_t active_width = 1024;
  double rope_theta = 10000;
  double norm_eps = 1e-5;
  bool tie_embeddings = true;
  bool qk_norm = false;
  bool parallel_block = false;
  std::string activation = "swiglu";  // of dense feed-forwards and experts alike

  int64_t kv_heads_or_heads() const { return kv_heads.value_or(heads); }
  int64_t head_width() const { return head_dim.value_or(d_model / heads); }
  // First values of what writes into the residual stream: 1 / sqrt(2 * layers) (GPT-2).
  double depth_scale() const { return 1 / std::sqrt(2.0 * static_cast<double>(layers)); }

  void fields(Fields& f);
  void check(Rules& rules) const;
};

}  // namespace moe
