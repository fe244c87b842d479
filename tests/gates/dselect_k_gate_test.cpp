#include "gates/dselect_k_gate.h"
#include "gates/expert_selectors.h"

#include <gtest/gtest.h>

#include "gates/selector_mix.h"
#include "gates/smooth_step.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble); }

TEST(SmoothStep, HasThePublishedValues) {
  const auto wide = smooth_bits(row({-.6, -.5, -.25, 0, .1, .25, .4, .5}), 1);
  EXPECT_TRUE(near(wide.on, golden_tensor("smoothstep gamma=1 at [-.6,-.5,-.25,0,.1,.25,.4,.5]"), 1e-15));
  EXPECT_TRUE(near(wide.on + wide.off, at::ones({8}, at::kDouble), 1e-15));
  EXPECT_TRUE(near(smooth_bits(row({-.05, -.01, 0, .02, .05}), .1).on,
                   golden_tensor("smoothstep gamma=.1 at [-.05,-.01,0,.02,.05]"), 1e-15));
}

TEST(SmoothStep, HasThePublishedSlopes) {
  const double gammas[] = {1, .1, 10};
  const auto expected = golden_tensor("smoothstep deriv at 0 gamma 1/.1/10");
  for (int64_t i = 0; i < 3; ++i) {
    const auto t = at::zeros({1}, at::kDouble).requires_grad_(true);
    smooth_bits(t, gammas[i]).on.sum().backward();
    EXPECT_NEAR(t.grad().item<double>(), expected[i].item<double>(), 1e-14);
  }
  // Off is 1 - on in slope too; beyond the edges both are flat.
  const auto t = row({-.7, -.5, -.2, .3, .5, 4}).requires_grad_(true);
  const auto bits = smooth_bits(t, 1);
  (bits.on * row({1, 2, 3, 4, 5, 6}) + bits.off * row({1, 2, 3, 4, 5, 6})).sum().backward();
  EXPECT_TRUE(near(t.grad(), at::zeros({6}, at::kDouble), 1e-14));
}

TEST(SmoothStep, ZeroIsFlatForMillionsOfDraws) {
  // Dense around the edges, where 1 - S by subtraction would leave a slope of up to 8e-4.
  const auto draw = Initializer(1, at::kFloat).uniform("t", {1000000}, 2e-4);
  for (const double edge : {-0.5, 0.5}) {
    const auto t = (draw + edge).detach().requires_grad_(true);
    const auto bits = smooth_bits(t, 1);
    const auto zero = (bits.on == 0) + (bits.off == 0);
    (at::where(bits.on == 0, bits.on, at::zeros({})) * 1e30 +
     at::where(bits.off == 0, bits.off, at::zeros({})) * 1e30)
        .sum()
        .backward();
    EXPECT_GT(zero.sum().item<int64_t>(), 100000);
    EXPECT_EQ(t.grad().abs().max().item<double>(), 0);
  }
}

TEST(DSelectK, SelectorsSpellExpertsFromTheMostSignificantBit) {
  const auto codes = expert_codes(6);
  EXPECT_EQ(codes.sizes(), (at::IntArrayRef{6, 3}));
  EXPECT_TRUE(near(codes[4].to(at::kDouble), row({1, 0, 0}), 0));
  EXPECT_EQ(expert_codes(1).size(1), 0);
}

TEST(DSelectK, PerTokenFormHasThePublishedNumbers) {
  const auto gate = make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1, entropy: 1, entropy_from: 0, entropy_until: 0}"), {3, 4}, Initializer(1, at::kDouble));
  {
    at::NoGradGuard no_grad;
    auto p = gate->named_parameters();
    p["bit_weight"].copy_(row({.1, -.2, .3, .05, .2, .1, -.1, .4, -.3, .2, .15, .1}).view({3, 4}).t());
    p["bit_bias"].copy_(row({.01, -.02, .03, 0}));
    p["mix_weight"].copy_(row({.5, -.5, .25, .1, -.2, .3}).view({3, 2}).t());
    p["mix_bias"].copy_(row({.1, -.1}));
  }
  TestBatch batch(1, 2, 3, at::kDouble);
  batch.x = row({.5, -1, .25, 1, .2, -.4}).view({2, 3});
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.weight, golden_tensor("dsk per-example weights"), 1e-14));
  // The gate takes the mean over tokens, COMET's form; the published code the sum.
  EXPECT_EQ(routing.aux.at(0).name, "entropy");
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("dsk per-example entropy batch-mean (COMET variant)"), 1e-13));
  EXPECT_TRUE(near(routing.aux[0].value * 2, golden_tensor("dsk per-example entropy SUM (official)"), 1e-13));
}

TEST(DSelectK, MixOfCoincidentSelectorsHasExactlyNoGradient) {
  const auto alpha = Initializer(1).normal("alpha", {64, 3}, 1).requires_grad_(true);
  const auto one = Initializer(1).normal("pick", {64, 1, 8}, 1).softmax(2);
  mix_selectors(alpha, one.expand({64, 3, 8}))
      .backward(Initializer(1).normal("dw", {64, 8}, 1));
  EXPECT_EQ(alpha.grad().abs().max().item<double>(), 0);
}

TEST(DSelectK, StartsWithEveryExpertLiveAtAnyWidth) {
  for (const int64_t D : {8, 1024}) {
    for (const int64_t E : {4, 6, 32}) {
      const auto gate = make_gate(parse_gate("dselect_k"), {D, E}, Initializer(1));
      const TestBatch batch(1, 64, D, at::kFloat);
      const auto routing = gate->forward(batch.input());
      EXPECT_EQ(routing.stats.live_slots.item<double>(), 64.0 * static_cast<double>(E));
      EXPECT_EQ(routing.stats.gate.at("saturated_bits").sum.item<double>(), 0);
    }
  }
}

TEST(DSelectK, CountsCoincidentSelectorsAndSaturatedBits) {
  const auto gate = make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1}"), {2, 4}, Initializer(1));
  at::NoGradGuard no_grad;
  for (const auto& item : gate->named_parameters()) item.value().zero_();
  // Selector 0 follows x[0], selector 1 follows x[1]: both bits of each.
  gate->named_parameters()["bit_weight"].copy_(at::tensor({1., 0., 1., 0., 0., 1., 0., 1.}).view({4, 2}));
  TestBatch batch(1, 4, 2, at::kFloat);
  batch.x = at::tensor({1.f, 1.f, 1.f, -1.f, .1f, 1.f, -1.f, -1.f}).view({4, 2});
  const auto stats = gate->forward(batch.input()).stats;
  EXPECT_EQ(stats.gate.at("coincident_selectors").sum.item<double>(), 3);  // tokens 0, 2 and 3
  EXPECT_NEAR(stats.gate.at("saturated_bits").sum.item<double>(), 3.5, 1e-6);
}

TEST(DSelectK, ReachabilityIsAskedForOnlyWhereCodesHaveNoExpert) {
  const TestBatch batch(1, 8, 4, at::kFloat);
  const auto names = [&](int64_t E) {
    std::string all;
    const auto gate = make_gate(parse_gate("dselect_k"), {4, E}, Initializer(1));
    for (const auto& aux : gate->forward(batch.input()).aux) all += aux.name + " ";
    return all;
  };
  EXPECT_EQ(names(4), "entropy ");
  EXPECT_EQ(names(6), "entropy reachability ");
}

TEST(DSelectK, EntropyCoefficientRampsUp) {
  DSelectKConfig config;
  config.entropy = 2;
  config.entropy_from = 0.2;
  config.entropy_until = 0.6;
  EXPECT_EQ(config.entropy_coefficient(0), 0);
  EXPECT_EQ(config.entropy_coefficient(0.2), 0);
  EXPECT_NEAR(config.entropy_coefficient(0.4), 1, 1e-12);
  EXPECT_EQ(config.entropy_coefficient(0.6), 2);
  EXPECT_EQ(config.entropy_coefficient(1), 2);
  config.entropy_from = config.entropy_until = 0.5;  // a step
  EXPECT_EQ(config.entropy_coefficient(0.49), 0);
  EXPECT_EQ(config.entropy_coefficient(0.5), 2);
}

}  // namespace
}  // namespace moe
