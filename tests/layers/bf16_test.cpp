// Half precision in norms, rotary positions, attention and dense networks.
#include <gtest/gtest.h>

#include "layers/decoder.h"
#include "layers/mlp.h"
#include "tests/support/bf16.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(Bf16, NormsComputeInFloat32AndGiveTheDtypeOfTheirInput) {
  RmsNorm norm(64, 1e-5, Initializer(1));
  { at::NoGradGuard g; norm.named_parameters()["weight"].fill_(1.003); }  // 1 in bf16
  const auto x = Initializer(1).normal("x", {8, 64}, 1).to(at::kBFloat16);
  const auto y = norm.forward(x);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(bitwise_equal(y, norm.forward(x.to(at::kFloat)).to(at::kBFloat16)));
}

TEST(Bf16, RotaryTurnsInFloat32) {
  const auto positions = at::full({1, 1}, 4001, at::kLong);
  const auto table = rotary_table(positions, 64, 10000, at::kFloat);
  const auto x = Initializer(1).normal("x", {1, 1, 4, 64}, 1).to(at::kBFloat16);
  EXPECT_TRUE(bitwise_equal(rotate(x, table), rotate(x.to(at::kFloat), table).to(at::kBFloat16)));
}

std::map<std::string, Tensor> pass_of(const DecoderConfig& config, bool cast) {
  Decoder decoder(config, 13,
                  [&](int64_t, const Initializer& init) {
                    return std::make_shared<Mlp>(config.d_model, config.active_width,
                                                 activation_of(config.activation),
                                                 config.depth_scale(), init);
                  },
                  Initializer(1));
  round_to_bf16(decoder, cast);
  ForwardContext context;
  context.token_ids = at::arange(24, at::kLong).remainder(11).view({2, 12});
  const auto out = decoder.forward(context);
  out.logits.to(at::kFloat).square().sum().backward();
  std::map<std::string, Tensor> result = {{"logits", out.logits}};
  for (const auto& item : decoder.named_parameters()) {
    EXPECT_EQ(item.value().grad().scalar_type(), item.value().scalar_type()) << item.key();
    result[item.key()] = item.value().grad();
  }
  return result;
}

TEST(Bf16, DecoderFollowsFloat32WithEveryOption) {
  for (const bool options : {false, true}) {
    DecoderConfig config;
    config.d_model = 32;
    config.layers = 2;
    config.heads = 4;
    config.active_width = 48;
    if (options) {
      config.kv_heads = 1;
      config.qk_norm = config.parallel_block = true;
      config.activation = "geglu";
    }
    const auto half = pass_of(config, true), full = pass_of(config, false);
    EXPECT_EQ(half.at("logits").scalar_type(), at::kBFloat16);
    for (const auto& [name, expected] : full) {
      EXPECT_LT(relative_error(half.at(name), expected), 0.04) << name;
    }
  }
}

}  // namespace
}  // namespace moe
