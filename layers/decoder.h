// A pre-norm decoder: embedding, blocks of attention and a FeedForward, norm, output head. It takes
// any FeedForward, so it knows nothing of experts.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "layers/attention.h"
#include "layers/decoder_config.h"
#include "layers/feed_forward.h"
#include "layers/initializer.h"
#include "layers/kv_cache.h"
#include "layers/rms_norm.h"

namespace moe {

struct DecoderOutput {
  Tensor logits;                                          // [T, V]
  std::vector<AuxLoss> aux;                               // of all layers
  std::vector<std::shared_ptr<const LayerReport>> reports;  // per layer, null where dense
};

// One block: h = x + attention(norm(x)), then h + feed_forward(norm(h)). With parallel_block both read
// one norm, x + attention(norm(x)) + feed_forward(norm(x)) (PaLM, Chowdhery et al. 2022, arXiv
// 2204.02311, section 2).
class Block : public torch::nn::Module {
 public:
  Block(const DecoderConfig& config, std::shared_ptr<FeedForward> feed_forward,
        const Initializer& init);
  // x [B, S, D] -> y [B, S, D], with the feed-forward's aux losses and report. A cache as Attention takes it.
  FeedForwardOutput forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask,
                            const ForwardContext& context, KvCache* cache = nullptr,
                            size_t layer = 0);

 private:
  std::shared_ptr<RmsNorm> attention_norm_, feed_forward_norm_;  // the second null in parallel
  std::shared_ptr<Attention> attention_;
  std::shared_ptr<FeedForward> feed_forward_;
};

class Decoder : public torch::nn::Module {
 public:
  using MakeFeedForward =
      std::function<std::shared_ptr<FeedForward>(int64_t layer, const Initializer& init)>;
  Decoder(const DecoderConfig& config, int64_t vocabulary, const MakeFeedForward& make_feed_forward,
          const Initializer& init);
  // With `recompute` blocks keep their inputs alone for backward (layers/recompute.h).
  //
  // With a cache the context is of new tokens alone, and so are the logits: they stand after the tokens that the cache
  // keeps, at the positions that follow unless positions are given, see those and their own earlier ones, and are kept
  // too. What has a prefix is fed at once, first. Equal to feeding everything at once where every gate chooses for a
  // token by that token alone. Throws c10::Error for training, recompute, gradients, segments, padding, a prefix
  // after kept tokens, other rows than before, and more tokens than there is room for.
  DecoderOutput forward(const ForwardContext& context, bool recompute = false,
                        KvCache* cache = nullptr);

 private:
  DecoderConfig config_;
  Tensor embedding_;  // [V, D]
  Tensor head_;       // [V, D]; the embedding itself when tied
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<RmsNorm> norm_;
};

}  // namespace moe
