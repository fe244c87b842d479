#include "layers/attention_mask.h"

#include <limits>

namespace moe {

Tensor attention_mask(const ForwardContext& context) {
  if (!context.segments.defined() && !context.prefix_lengths.defined() &&
      !context.valid.defined()) {
    return {};
  }
  const auto place = at::arange(context.S(), context.token_ids.options());       // [S]
  const auto query = place.view({1, -1, 1}), key = place.view({1, 1, -1});
  auto allowed = (key <= query).expand({context.B(), context.S(), context.S()});  // [B, S, S]
  if (context.prefix_lengths.defined()) {
    const auto length = context.prefix_lengths.view({-1, 1, 1});
    allowed = allowed | ((query < length) & (key < length));
  }
  if (context.segments.defined()) {
    allowed = allowed & (context.segments.unsqueeze(2) == context.segments.unsqueeze(1));
  }
  if (context.valid.defined()) {
    allowed = (allowed & context.valid.unsqueeze(1)) | (query == key);
  }
  return allowed.unsqueeze(1);  // [B, 1, S, S]
}

Tensor attention_bias(const ForwardContext& context, at::ScalarType dtype) {
  const auto allowed = attention_mask(context);
  if (!allowed.defined()) {
    return {};
  }
  return at::zeros(allowed.sizes(), allowed.options().dtype(dtype))
      .masked_fill_(allowed.logical_not(), -std::numeric_limits<double>::infinity());  // [B, 1, S, S]
}

}  // namespace moe
