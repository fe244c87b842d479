#include "layers/attention_mask.h"

#include <limits>

namespace moe {

Tensor attention_mask(const ForwardContext& context, int64_t kept) {
  const bool plain =
      !context.segments.defined() && !context.prefix.defined() && !context.valid.defined();
  if (kept > 0) {
    TORCH_CHECK(plain, "attention mask: segments, prefix or padding after kept tokens");
    const int64_t B = context.B(), S = context.S();
    return S == 1 ? Tensor()
                  : at::ones({S, kept + S}, context.token_ids.options().dtype(at::kBool))
                        .tril(kept)
                        .expand({B, 1, S, kept + S});
  }
  if (plain) {
    return {};
  }
  const auto place = at::arange(context.S(), context.token_ids.options());       // [S]
  const auto query = place.view({1, -1, 1}), key = place.view({1, 1, -1});
  auto allowed = (key <= query).expand({context.B(), context.S(), context.S()});  // [B, S, S]
  if (context.prefix.defined()) {
    allowed = allowed | (context.prefix.unsqueeze(2) & context.prefix.unsqueeze(1));
  }
  if (context.segments.defined()) {
    allowed = allowed & (context.segments.unsqueeze(2) == context.segments.unsqueeze(1));
  }
  if (context.valid.defined()) {
    allowed = (allowed & context.valid.unsqueeze(1)) | (query == key);
  }
  return allowed.unsqueeze(1);  // [B, 1, S, S]
}

Tensor attention_bias(const ForwardContext& context, at::ScalarType dtype, int64_t kept) {
  const auto allowed = attention_mask(context, kept);
  if (!allowed.defined()) {
    return {};
  }
  return at::zeros(allowed.sizes(), allowed.options().dtype(dtype))
      .masked_fill_(allowed.logical_not(), -std::numeric_limits<double>::infinity());  // [B, 1, S, S]
}

}  // namespace moe
