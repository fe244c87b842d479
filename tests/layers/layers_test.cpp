// The decoder's parts against their formulas.
#include <gtest/gtest.h>

#include <cmath>

#include "layers/attention.h"
#include "layers/attention_mask.h"
#include "layers/mlp.h"
#include "layers/rms_norm.h"
#include "tests/support/decoder.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

DecoderConfig small_config() { return small_decoder(2); }

TEST(RmsNorm, IsTheFormula) {
  RmsNorm norm(8, 1e-3, Initializer(1, at::kDouble));
  { at::NoGradGuard g; norm.named_parameters()["weight"].copy_(draw({8}, "w")); }
  const auto x = draw({5, 8});
  const auto expected = x / (x.square().mean(1, true) + 1e-3).sqrt() * draw({8}, "w");
  EXPECT_TRUE(near(norm.forward(x), expected, 1e-12));
}

TEST(Mlp, IsSwiglu) {
  Mlp mlp(8, 6, Activation::kSwiglu, 1, Initializer(1, at::kDouble));
  const auto p = mlp.named_parameters();
  const auto x = draw({5, 8});
  const auto gate = x.mm(p["gate_up"].narrow(0, 0, 6).t()), up = x.mm(p["gate_up"].narrow(0, 6, 6).t());
  const auto expected = (gate * gate.sigmoid() * up).mm(p["down"].t());
  EXPECT_TRUE(near(mlp.forward(x, context_of(1, 5)).y, expected, 1e-12));
}

TEST(Rotary, TurnsPairsByTheirAngle) {
  const auto positions = longs({0, 3}).view({1, 2});
  const auto table = rotary_table(positions, 4, 100, at::kDouble);
  const auto y = rotate(at::tensor({1., 2., 3., 4., 1., 2., 3., 4.}, at::kDouble).view({1, 2, 1, 4}), table);
  EXPECT_TRUE(near(y[0][0][0], at::tensor({1., 2., 3., 4.}, at::kDouble), 1e-15));
  // Pair 0: (1, 3) by 3 radians; pair 1: (2, 4) by 3 / sqrt(100).
  const double a = 3, b = 0.3;
  EXPECT_TRUE(near(y[0][1][0],
                   at::tensor({std::cos(a) - 3 * std::sin(a), 2 * std::cos(b) - 4 * std::sin(b),
                               3 * std::cos(a) + std::sin(a), 4 * std::cos(b) + 2 * std::sin(b)},
                              at::kDouble),
                   1e-12));
}

TEST(Rotary, ProductsDependOnDistanceAlone) {
  const auto q = draw({1, 1, 1, 8}, "q"), k = draw({1, 1, 1, 8}, "k");
  const auto product = [&](int64_t at_q, int64_t at_k) {
    const auto turn = [&](const Tensor& x, int64_t at) {
      return rotate(x, rotary_table(at::full({1, 1}, at, at::kLong), 8, 10000, at::kDouble));
    };
    return (turn(q, at_q) * turn(k, at_k)).sum().item<double>();
  };
  EXPECT_NEAR(product(7, 2), product(105, 100), 1e-10);
  EXPECT_GT(std::abs(product(7, 2) - product(7, 3)), 1e-6);
}

// softmax(q k / sqrt(C)) v, head by head, position by position.
Tensor attention_loop(const Tensor& x, const torch::OrderedDict<std::string, Tensor>& p, int64_t H,
                      int64_t G, int64_t C, const RotaryTable& rotary, const Tensor& allowed) {
  const int64_t B = x.size(0), S = x.size(1);
  const auto qkv = x.matmul(p["qkv"].t()).view({B, S, H + 2 * G, C});
  const auto q = rotate(qkv.narrow(2, 0, H), rotary), k = rotate(qkv.narrow(2, H, G), rotary);
  const auto v = qkv.narrow(2, H + G, G);
  auto y = at::zeros({B, S, H, C}, x.options());
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t h = 0; h < H; ++h) {
      const int64_t g = h / (H / G);
      for (int64_t s = 0; s < S; ++s) {
        auto score = k[b].select(1, g).mv(q[b][s][h]) / std::sqrt(static_cast<double>(C));
        score = score.masked_fill(allowed[b][s].logical_not(), -INFINITY);
        y[b][s][h] = score.softmax(0).matmul(v[b].select(1, g));
      }
    }
  }
  return y.view({B, S, H * C}).matmul(p["out"].t());
}

TEST(Attention, EqualsTheLoopForGroupedHeadsWithAndWithoutAMask) {
  for (const int64_t kv_heads : {4, 2, 1}) {
    auto config = small_config();
    config.kv_heads = kv_heads;
    Attention attention(config, Initializer(1, at::kDouble));
    auto context = context_of(2, 6);
    const auto x = draw({2, 6, 16});
    const auto rotary = rotary_table(context.position_ids(), 4, 10000, at::kDouble);
    const auto causal = at::ones({6, 6}, at::kBool).tril().expand({2, 6, 6});
    EXPECT_TRUE(near(attention.forward(x, rotary, {}),
                     attention_loop(x, attention.named_parameters(), 4, kv_heads, 4, rotary, causal),
                     1e-12));
    context.prefix = (at::arange(6) < longs({4, 0}).unsqueeze(1));
    const auto mask = attention_mask(context);
    EXPECT_TRUE(near(attention.forward(x, rotary, mask),
                     attention_loop(x, attention.named_parameters(), 4, kv_heads, 4, rotary, mask.squeeze(1)),
                     1e-12));
  }
}

TEST(AttentionMask, FollowsSegmentsPrefixesAndPadding) {
  auto context = context_of(1, 5);
  EXPECT_FALSE(attention_mask(context).defined()) << "plain causal needs no mask";
  context.segments = longs({0, 0, 1, 1, 1}).view({1, 5});
  const auto expect = [&](std::vector<int64_t> rows) {
    return near(attention_mask(context).to(at::kLong).view({5, 5}), longs(rows).view({5, 5}), 0);
  };
  EXPECT_TRUE(expect({1, 0, 0, 0, 0,  1, 1, 0, 0, 0,  0, 0, 1, 0, 0,  0, 0, 1, 1, 0,  0, 0, 1, 1, 1}));
  context.prefix = longs({1, 1, 0, 0, 0}).view({1, 5}).to(at::kBool);
  EXPECT_TRUE(expect({1, 1, 0, 0, 0,  1, 1, 0, 0, 0,  0, 0, 1, 0, 0,  0, 0, 1, 1, 0,  0, 0, 1, 1, 1}));
  context.valid = longs({1, 1, 1, 0, 0}).view({1, 5}).to(at::kBool);
  EXPECT_TRUE(expect({1, 1, 0, 0, 0,  1, 1, 0, 0, 0,  0, 0, 1, 0, 0,  0, 0, 1, 1, 0,  0, 0, 1, 0, 1}));
}

Decoder make_decoder(const DecoderConfig& config, uint64_t seed = 1) {
  return Decoder(config, 13,
                 [&](int64_t, const Initializer& init) {
                   return std::make_shared<Mlp>(config.d_model, config.active_width,
                                                activation_of(config.activation),
                                                config.depth_scale(), init);
                 },
                 Initializer(seed, at::kDouble));
}

TEST(Decoder, DoesNotLookAhead) {
  auto decoder = make_decoder(small_config());
  auto context = context_of(2, 6);
  const auto before = decoder.forward(context).logits.view({2, 6, 13});
  context.token_ids = context.token_ids.clone();
  context.token_ids.narrow(1, 4, 2).fill_(12);
  const auto after = decoder.forward(context).logits.view({2, 6, 13});
  EXPECT_TRUE(near(after.narrow(1, 0, 4), before.narrow(1, 0, 4), 1e-12));
  EXPECT_FALSE(near(after.narrow(1, 4, 2), before.narrow(1, 4, 2), 1e-3));
}

TEST(Decoder, TiedHeadIsTheEmbedding) {
  auto config = small_config();
  EXPECT_FALSE(make_decoder(config).named_parameters().contains("head"));
  config.tie_embeddings = false;
  auto untied = make_decoder(config);
  EXPECT_EQ(untied.named_parameters()["head"].sizes(), (at::IntArrayRef{13, 16}));
  EXPECT_TRUE(untied.named_parameters().contains("layers.0.attention.qkv"));
}

TEST(Decoder, RefusesTokenIdsOfAnotherShape) {
  auto decoder = make_decoder(small_config());
  ForwardContext context;
  context.token_ids = at::zeros({5}, at::kLong);
  EXPECT_THROW(decoder.forward(context), c10::Error);
}

TEST(Initializer, ValuesDependOnSeedAndPathAlone) {
  const Initializer init(7);
  const auto a = init.in("a").normal("w", {100}, 2);
  EXPECT_TRUE(bitwise_equal(a, Initializer(7).in("a").normal("w", {100}, 2)));
  EXPECT_FALSE(bitwise_equal(a, init.in("b").normal("w", {100}, 2)));
  EXPECT_FALSE(bitwise_equal(a, Initializer(8).in("a").normal("w", {100}, 2)));
  EXPECT_TRUE(near(a, Initializer(7, at::kDouble).in("a").normal("w", {100}, 2), 1e-6));
  const auto cut = init.truncated_normal("t", {10000}, 0.5);
  EXPECT_LE(cut.abs().max().item<float>(), 1.0f);
  EXPECT_NEAR(cut.std().item<float>(), 0.44, 0.02);  // 0.88 of the whole normal's
  EXPECT_LE(init.uniform("u", {1000}, 0.1).abs().max().item<float>(), 0.1f);
}

TEST(Noise, IsUniformAndAFunctionOfTheGlobalToken) {
  NoiseKey key{5, 3, 1, 0};
  const auto all = uniform_noise(key, NoiseSite::kInputJitter, 4096, 64, at::kCPU);
  EXPECT_NEAR(all.mean().item<double>(), 0.5, 0.003);
  EXPECT_NEAR(all.var().item<double>(), 1.0 / 12, 0.001);
  const auto bins = at::histc(all, 16, 0, 1);
  EXPECT_LT(((bins - 16384).square() / 16384).sum().item<double>(), 45);  // chi-square, 15 degrees
  // Neighbours in either direction are independent.
  for (const int64_t dim : {0, 1}) {
    const auto a = all.narrow(dim, 0, all.size(dim) - 1) - 0.5, b = all.narrow(dim, 1, all.size(dim) - 1) - 0.5;
    EXPECT_LT(std::abs((a * b).mean().item<double>()), 0.001);
  }
  key.first_token = 1000;
  EXPECT_TRUE(bitwise_equal(uniform_noise(key, NoiseSite::kInputJitter, 10, 64, at::kCPU), all.narrow(0, 1000, 10)));
  for (auto change : {0, 1, 2}) {
    NoiseKey other{5, 3, 1, 0};
    (change == 0 ? reinterpret_cast<int64_t&>(other.seed) : change == 1 ? other.step : other.layer) += 1;
    const auto changed = uniform_noise(other, NoiseSite::kInputJitter, 64, 64, at::kCPU);
    EXPECT_LT((changed == all.narrow(0, 0, 64)).sum().item<int64_t>(), 5);
  }
}

}  // namespace
}  // namespace moe
