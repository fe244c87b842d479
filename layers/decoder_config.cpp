#include "layers/decoder_config.h"

#include "layers/activation_config.h"

namespace moe {

void DecoderConfig::fields(Fields& f) {
  f("d_model", d_model, "width of the residual stream", between(1, 65536));
  f("layers", layers, "decoder blocks", between(1, 1024));
  f("heads", heads, "query heads", between(1, 1024));
  f("kv_heads", kv_heads, "key/value heads; auto: as many as heads", between(1, 1024));
  f("head_dim", head_dim, "width of a head, even; auto: d_model / heads", between(2, 1024));
  f("context", context, "tokens of a training row", between(1, 1048576));
  f("active_width", active_width,
    "feed-forward width that a token passes through: the dense network's width, and k x d_hidden "
    "of the experts once the gate is sparse, so that model.moe=none has equal active FLOPs",
    between(1, 1048576));
  f("rope_theta", rope_theta, "base of the rotary positions", above(1));
  f("norm_eps", norm_eps, "added to the mean square in RMSNorm", between(1e-12, 1));
  f("tie_embeddings", tie_embeddings, "the output head is the transposed embedding");
  f("qk_norm", qk_norm, "RMSNorm of every head's queries and keys before rotation");
  f("parallel_block", parallel_block,
    "attention and feed-forward read the same norm and are added together (PaLM)");
  f("activation", activation,
    "of dense feed-forwards and experts: gated (`swiglu`, `geglu`, `reglu`: three matrices) or plain "
    "(`gelu`, `relu`: two); GELU is the exact one, by erf",
    one_of(activation_words()));
}

void DecoderConfig::check(Rules& rules) const {
  const auto text = [](int64_t value) { return std::to_string(value); };
  rules.require(head_dim || d_model % heads == 0, "heads",
                "must divide d_model (" + text(d_model) + "), found " + text(heads) +
                    "; or set head_dim");
  rules.require(kv_heads_or_heads() <= heads && heads % kv_heads_or_heads() == 0, "kv_heads",
                "must divide heads (" + text(heads) + "), found " + text(kv_heads_or_heads()));
  rules.require(head_width() % 2 == 0, head_dim ? "head_dim" : "heads",
                "the width of a head must be even for rotary positions, found " +
                    text(head_width()));
}

}  // namespace moe
