// The decoder's options: parallel blocks, normalised queries and keys, multi-query heads, activations.
#include <gtest/gtest.h>

#include <cmath>

#include "layers/mlp.h"
#include "tests/support/decoder.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

DecoderConfig small_config() { return small_decoder(1); }

// Norm weights that are not 1 and differ, so that one that is left out or exchanged shows.
void spread_norms(torch::nn::Module& module) {
  at::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    if (item.value().dim() == 1) item.value().copy_(draw(item.value().sizes(), item.key().c_str()).abs() + 0.5);
  }
}

Tensor normed(const Tensor& x, const Tensor& weight, double eps = 1e-5) {
  return x / (x.square().mean(-1, true) + eps).sqrt() * weight;
}

TEST(ParallelBlock, AddsBothToTheInputOfOneNorm) {
  auto config = small_config();
  const auto rotary = rotary_table(context_of(2, 6).position_ids(), 4, 10000, at::kDouble);
  const auto x = draw({2, 6, 16});
  const auto block_of = [&](bool parallel) {
    config.parallel_block = parallel;
    const Initializer init(1, at::kDouble);
    Block block(config,
                std::make_shared<Mlp>(16, 24, Activation::kSwiglu, 1, init.in("feed_forward")), init);
    spread_norms(block);
    return block;
  };
  auto block = block_of(true);
  const auto p = block.named_parameters();
  EXPECT_TRUE(p.contains("norm.weight"));
  EXPECT_FALSE(p.contains("attention_norm.weight") || p.contains("feed_forward_norm.weight"));
  Attention attention(config, Initializer(1, at::kDouble).in("attention"));
  Mlp mlp(16, 24, Activation::kSwiglu, 1, Initializer(1, at::kDouble).in("feed_forward"));
  const auto context = context_of(2, 6);
  const auto h = normed(x, p["norm.weight"]);
  const auto expected =
      x + attention.forward(h, rotary, {}) + mlp.forward(h.flatten(0, 1), context).y.view_as(x);
  EXPECT_TRUE(near(block.forward(x, rotary, {}, context).y, expected, 1e-12));
  EXPECT_FALSE(near(block_of(false).forward(x, rotary, {}, context).y, expected, 1e-3));
}

// Attention with every choice written out: its own norms, one key/value head at a time.
Tensor attention_loop(const Tensor& x, const torch::OrderedDict<std::string, Tensor>& p, int64_t H,
                      int64_t G, const RotaryTable& rotary, bool norm_before_turn) {
  const int64_t B = x.size(0), S = x.size(1), C = 4;
  const auto qkv = x.matmul(p["qkv"].t()).view({B, S, H + 2 * G, C});
  const auto prepared = [&](const Tensor& t, const char* weight) {
    return norm_before_turn ? rotate(normed(t, p[weight]), rotary)
                            : normed(rotate(t, rotary), p[weight]);
  };
  const auto q = prepared(qkv.narrow(2, 0, H), "q_norm.weight");
  const auto k = prepared(qkv.narrow(2, H, G), "k_norm.weight");
  const auto v = qkv.narrow(2, H + G, G);
  const auto future = at::ones({S, S}, at::kBool).triu(1);
  std::vector<Tensor> heads;
  for (int64_t h = 0; h < H; ++h) {
    const int64_t g = h / (H / G);
    auto score = q.select(2, h).matmul(k.select(2, g).transpose(1, 2)) / std::sqrt(4.0);  // [B, S, S]
    heads.push_back(score.masked_fill(future, -INFINITY).softmax(2).matmul(v.select(2, g)));
  }
  return at::cat(heads, 2).matmul(p["out"].t());
}

TEST(QkNorm, NormalisesEveryHeadBeforeItIsTurned) {
  const auto rotary = rotary_table(context_of(2, 6).position_ids(), 4, 10000, at::kDouble);
  const auto x = draw({2, 6, 16});
  for (const int64_t kv_heads : {4, 1}) {
    auto config = small_config();
    config.kv_heads = kv_heads;
    config.qk_norm = true;
    Attention attention(config, Initializer(1, at::kDouble));
    spread_norms(attention);
    const auto p = attention.named_parameters();
    EXPECT_EQ(p["q_norm.weight"].sizes(), at::IntArrayRef{4});
    EXPECT_EQ(p["k_norm.weight"].sizes(), at::IntArrayRef{4});
    const auto found = attention.forward(x, rotary, {});
    EXPECT_TRUE(near(found, attention_loop(x, p, 4, kv_heads, rotary, true), 1e-12));
    EXPECT_FALSE(near(found, attention_loop(x, p, 4, kv_heads, rotary, false), 1e-4));
  }
}

TEST(QkNorm, MakesAttentionBlindToTheScaleOfQueriesAndKeys) {
  auto config = small_config();
  config.qk_norm = true;
  config.norm_eps = 1e-12;
  const auto rotary = rotary_table(context_of(1, 6).position_ids(), 4, 10000, at::kDouble);
  Attention attention(config, Initializer(1, at::kDouble));
  const auto x = draw({1, 6, 16});
  const auto before = attention.forward(x, rotary, {});
  at::NoGradGuard no_grad;
  attention.named_parameters()["qkv"].narrow(0, 0, 32).mul_(100);  // queries and keys
  EXPECT_TRUE(near(attention.forward(x, rotary, {}), before, 1e-8));
}

TEST(MultiQuery, SharesOneKeyAndValueHead) {
  auto config = small_config();
  config.kv_heads = 1;
  Attention attention(config, Initializer(1));
  EXPECT_EQ(attention.named_parameters()["qkv"].sizes(), (at::IntArrayRef{(4 + 2) * 4, 16}));
}

TEST(Mlp, PlainActivationsHaveTwoMatrices) {
  const auto x = draw({5, 8});
  for (const auto& [activation, gated] :
       {std::pair{Activation::kGelu, Activation::kGeglu}, {Activation::kRelu, Activation::kReglu}}) {
    const auto nonlinear = [&](const Tensor& t) {
      return activation == Activation::kGelu ? 0.5 * t * (1 + (t / std::sqrt(2.0)).erf()) : t.clamp_min(0);
    };
    Mlp plain(8, 6, activation, 1, Initializer(1, at::kDouble));
    auto p = plain.named_parameters();
    EXPECT_EQ(p.size(), 2u);
    EXPECT_TRUE(near(plain.forward(x, context_of(1, 5)).y,
                     nonlinear(x.mm(p["up"].t())).mm(p["down"].t()), 1e-12));
    Mlp twice(8, 6, gated, 1, Initializer(1, at::kDouble));
    p = twice.named_parameters();
    const auto both = x.mm(p["gate_up"].t());
    EXPECT_TRUE(near(twice.forward(x, context_of(1, 5)).y,
                     (nonlinear(both.narrow(1, 0, 6)) * both.narrow(1, 6, 6)).mm(p["down"].t()), 1e-12));
  }
}

TEST(Activation, WordsAndListAgree) {
  for (const auto& word : activation_words()) {
    EXPECT_EQ(activation_words()[static_cast<size_t>(activation_of(word))], word);
  }
  EXPECT_EQ(matrices(activation_of("geglu")), 3);
  EXPECT_EQ(matrices(activation_of("relu")), 2);
  EXPECT_THROW(activation_of("tanh"), std::invalid_argument);
}

}  // namespace
}  // namespace moe
