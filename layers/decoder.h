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
  // x [B, S, D] -> y [B, S, D], with the feed-forward's aux losses and report.
  FeedForwardOutput forward(const Tensor& x, const RotaryTable& rotary, const Tensor& mask,
                            const ForwardContext& context);

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
  DecoderOutput forward(const ForwardContext& context, bool recompute = false);

 private:
  DecoderConfig config_;
  Tensor embedding_;  // [V, D]
  Tensor head_;       // [V, D]; the embedding itself when tied
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<RmsNorm> norm_;
};

}  // namespace moe
