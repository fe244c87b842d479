// Who may attend to whom, from segments, prefixes and padding.
#pragma once

#include "layers/forward_context.h"

namespace moe {

// Undefined where plain causal attention does (the kernels are faster without a mask); else
// [B, 1, S, S] bool, true = query (row) may see key (column): earlier or the same position, or both
// in the prefix; in the same segment; and the key not padding. A padding query sees itself,
// so that no softmax is over nothing.
//
// With `kept` > 0 tokens before these (layers/kv_cache.h), which all of them see: [B, 1, S, kept + S], and
// undefined for one token. No segments, prefix or padding then.
Tensor attention_mask(const ForwardContext& context, int64_t kept = 0);

// The same as what is added to scores: 0 where allowed, else -inf, in `dtype`. Made once for all
// layers; from a bool mask every layer's attention would make, and keep, one of its own.
Tensor attention_bias(const ForwardContext& context, at::ScalarType dtype, int64_t kept = 0);

}  // namespace moe
