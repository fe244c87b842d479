#include "layers/decoder.h"

#include <ATen/OpMathType.h>

#include "layers/attention_mask.h"
#include "layers/recompute.h"
#include "layers/shapes.h"

namespace moe {

Block::Block(const DecoderConfig& config, std::shared_ptr<FeedForward> feed_forward,
             const Initializer& init) {
  const auto norm = [&](const char* name) {
    return register_module(
        name, std::make_shared<RmsNorm>(config.d_model, config.norm_eps, init.in(name)));
  };
  attention_norm_ = norm(config.parallel_block ? "norm" : "attention_norm");
  attention_ = register_module("attention",
                               std::make_shared<Attention>(config, init.in("attention")));
  if (!config.parallel_block) {
    feed_forward_norm_ = norm("feed_forward_norm");
  }
  feed_forward_ = register_module("feed_forward", std::move(feed_forward));
}

FeedForwardOutput Block::forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask,
                                 const ForwardContext& context, KvCache* cache, size_t layer) {
  const auto normed = attention_norm_->forward(x);                                    // [B, S, D]
  const auto h = x + attention_->forward(normed, rotary, mask, cache, layer);         // [B, S, D]
  const auto below = feed_forward_norm_ ? feed_forward_norm_->forward(h) : normed;
  auto result = feed_forward_->forward(below.flatten(0, 1), context);
  result.y = h + result.y.view_as(h);
  return result;
}

Decoder::Decoder(const DecoderConfig& config, int64_t vocabulary,
                 const MakeFeedForward& make_feed_forward, const Initializer& init)
    : config_(config) {
  const int64_t D = config.d_model;
  embedding_ = register_parameter("embedding", init.normal("embedding", {vocabulary, D}, 0.02));
  // A bare module between, so that parameters are named layers.0.attention.qkv.
  const auto list = register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    const auto number = std::to_string(layer);
    const auto below = init.in("layers").in(number);
    blocks_.push_back(list->register_module(
        number, std::make_shared<Block>(config, make_feed_forward(layer, below.in("feed_forward")),
                                        below)));
  }
  norm_ = register_module("norm", std::make_shared<RmsNorm>(D, config.norm_eps, init.in("norm")));
  head_ = config.tie_embeddings
              ? embedding_
              : register_parameter("head", init.normal("head", {vocabulary, D}, 0.02));
}

// The context of tokens after those that are kept.
static ForwardContext after_kept(ForwardContext context, const KvCache& cache, bool recompute) {
  const int64_t kept = cache.tokens(), S = context.S();
  TORCH_CHECK(!context.training && !recompute && !at::GradMode::is_enabled(),
              "Decoder: a cache is for reading alone, without training, recompute and gradients");
  TORCH_CHECK(!context.segments.defined() && !context.valid.defined() &&
                  (kept == 0 || !context.prefix.defined()),
              "Decoder: with a cache there are no segments and no padding, and a prefix comes first, whole");
  TORCH_CHECK(kept + S <= cache.capacity(), "Decoder: ", kept, " kept and ", S,
              " new tokens in a cache for ", cache.capacity());
  if (kept > 0 && !context.positions.defined()) {
    context.positions =
        at::arange(kept, kept + S, context.token_ids.options()).expand({context.B(), S});
  }
  return context;
}

DecoderOutput Decoder::forward(const ForwardContext& given, bool recompute, KvCache* cache) {
  check_shape(given.token_ids, {-1, -1}, "Decoder token ids");
  const auto context = cache != nullptr ? after_kept(given, *cache, recompute) : given;
  DecoderOutput out;
  // Looked up in float32, so that the gradients of a token's many places are added up in it.
  const auto dtype = embedding_.scalar_type();
  auto x = at::embedding(embedding_.to(at::toOpMathType(dtype)), context.token_ids)
               .to(dtype);  // [B, S, D]
  const auto rotary = rotary_table(context.position_ids(), config_.head_width(),
                                   config_.rope_theta, at::toOpMathType(x.scalar_type()));
  const auto mask = attention_bias(context, x.scalar_type(), cache != nullptr ? cache->tokens() : 0);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto& block = blocks_[i];
    // By value: the layer may run again after this call has returned.
    const auto layer = [block, rotary, mask, context, cache, i](const Tensor& input) {
      return block->forward(input, rotary, mask, context, cache, i);
    };
    auto result = recompute && at::GradMode::is_enabled()
                      ? recomputed(layer, x, block->parameters())
                      : layer(x);
    x = result.y;
    out.aux.insert(out.aux.end(), result.aux.begin(), result.aux.end());
    out.reports.push_back(std::move(result.report));
  }
  if (cache != nullptr) {
    cache->advance(context.S());
  }
  out.logits = at::linear(norm_->forward(x).flatten(0, 1), head_);  // [T, V]
  return out;
}

}  // namespace moe
