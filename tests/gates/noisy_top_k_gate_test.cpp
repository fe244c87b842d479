#include "gates/noisy_top_k_gate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gates/gate_losses.h"
#include "tests/support/table_gate.h"
#include "tests/support/tensors.h"
#include "tests/support/thread_ranks.h"

namespace moe {
namespace {

const OneRank kAlone;

Tensor logits() { return golden_tensor("logits"); }
Tensor deviation() { return golden_tensor("noisy stddev (softplus+1e-2)"); }
Tensor noise() { return golden_tensor("noisy eps"); }

double variation(const Tensor& per_token, BalanceScope scope = BalanceScope::kWorld,
                 int64_t sequences = 1, const Tensor& valid = {}) {
  return squared_variation(per_token, valid, scope, sequences, kAlone).item<double>();
}

TEST(NoisyTopKGate, HasThePublishedNumbers) {
  const auto choice = noisy_choice(logits(), deviation(), noise(), {}, 2);
  const auto weight = at::zeros({8, 4}, at::kDouble).scatter(1, choice.expert, choice.weight);
  EXPECT_TRUE(near(weight, golden_tensor("noisy gates k=2"), 1e-12));
  EXPECT_TRUE(near(choice.load, golden_tensor("noisy P(x,i)"), 1e-12));
  EXPECT_TRUE(near(weight.sum(0), golden_tensor("noisy importance"), 1e-12));
  EXPECT_TRUE(near(choice.load.sum(0), golden_tensor("noisy load"), 1e-12));
  EXPECT_NEAR(variation(weight), golden().at("cv2 importance (population)").get<double>(), 1e-12);
  EXPECT_NEAR(variation(choice.load), golden().at("cv2 load (population)").get<double>(), 1e-12);
  EXPECT_NEAR(0.1 * (variation(weight) + variation(choice.load)),
              golden().at("noisy loss 0.1*(cvI+cvL)").get<double>(), 1e-12);
  // The unbiased variance of other implementations is E / (E - 1) times this.
  EXPECT_NEAR(variation(weight) * 4 / 3, golden().at("cv2 importance (unbiased)").get<double>(), 1e-9);
}

TEST(NoisyTopKGate, LoadIsTheHardCountWithoutNoiseAndWhereAllAreChosen) {
  const auto still = noisy_choice(logits(), deviation(), {}, {}, 2);
  const auto counts = still.load.sum(0);
  EXPECT_TRUE(near(counts, at::tensor({5., 6., 3., 2.}, at::kDouble), 0));
  EXPECT_TRUE(near(still.weight, golden_tensor("top2 renormalised == softmax over top-2 logits"), 1e-12));
  const auto all = noisy_choice(logits(), deviation(), noise(), {}, 4);
  EXPECT_TRUE(near(all.load, at::ones({8, 4}), 0));
}

TEST(NoisyTopKGate, GradientOfTheLoadIsTheTrueOne) {
  const auto weighing = Initializer(4, at::kDouble).normal("c", {8, 4}, 1);
  const auto value = [&](const Tensor& clean, const Tensor& std) {
    return (noisy_choice(clean, std, noise(), {}, 2).load * weighing).sum();
  };
  const auto clean = logits().requires_grad_(true), std = deviation().requires_grad_(true);
  value(clean, std).backward();
  at::NoGradGuard no_grad;
  constexpr double step = 1e-6;
  for (int64_t t = 0; t < 8; ++t) {
    for (int64_t e = 0; e < 4; ++e) {
      const auto difference = at::zeros({8, 4}, at::kDouble);
      difference[t][e] = step;
      EXPECT_NEAR(clean.grad()[t][e].item<double>(),
                  (value(clean + difference, std) - value(clean - difference, std)).item<double>() /
                      (2 * step),
                  1e-7);
      EXPECT_NEAR(std.grad()[t][e].item<double>(),
                  (value(clean, std + difference) - value(clean, std - difference)).item<double>() /
                      (2 * step),
                  1e-7);
    }
  }
}

TEST(NoisyTopKGate, DeviationIsSoftplusAndALeastOne) {
  // x holds the logits and those of the deviation, side by side.
  TestBatch batch(1, 8, 8, at::kDouble);
  batch.x = at::cat({logits(), golden_tensor("noisy raw_std_logits")}, 1);
  batch.context.training = false;
  const auto gate = make_gate(parse_gate("noisy_top_k"), {8, 4}, Initializer(1, at::kDouble));
  {
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].narrow(1, 0, 4).copy_(at::eye(4, at::kDouble));
    gate->named_parameters()["noise_weight"].narrow(1, 4, 4).copy_(at::eye(4, at::kDouble));
  }
  const auto routing = gate->forward(batch.input());
  EXPECT_NEAR(gate_figure(routing, "noise_deviation"), deviation().mean().item<double>(), 1e-12);
  EXPECT_TRUE(near(routing.weight, golden_tensor("top2 renormalised == softmax over top-2 logits"), 1e-12));

  batch.context.training = true;
  const auto drawn = normal_noise(batch.context.noise, NoiseSite::kLogits, 8, 4, at::kCPU).to(at::kDouble);
  const auto expected = noisy_choice(logits(), deviation(), drawn, {}, 2);
  const auto noisy = gate->forward(batch.input());
  EXPECT_TRUE(near(noisy.expert, expected.expert, 0));
  EXPECT_TRUE(near(noisy.weight, expected.weight, 1e-12));
  ASSERT_EQ(noisy.aux.size(), 2u);
  EXPECT_EQ(noisy.aux[0].name, "importance");
  EXPECT_EQ(noisy.aux[1].name, "load");
  EXPECT_EQ(noisy.aux[0].coefficient, 0.1);
  EXPECT_NEAR(noisy.aux[1].value.item<double>(), variation(expected.load), 1e-12);
  batch.context.noise.step = 1;
  EXPECT_FALSE(near(gate->forward(batch.input()).weight, noisy.weight, 1e-3));
}

TEST(NoisyTopKGate, StartsAtZeroWithNoiseAloneChoosing) {
  TestBatch batch(1, 2000, 8, at::kFloat);
  const auto gate = make_gate(parse_gate("noisy_top_k"), {8, 4}, Initializer(1));
  for (const auto& parameter : gate->parameters()) {
    EXPECT_TRUE(near(parameter, at::zeros_like(parameter), 0));
  }
  const auto routing = gate->forward(batch.input());
  const auto load = routing.stats.tokens_per_expert / routing.stats.live_slots;
  EXPECT_TRUE(near(load, at::full({4}, 0.25), 0.03));
  EXPECT_NEAR(gate_figure(routing, "noise_deviation"), std::log(2) + 0.01, 1e-6);
  // Weights of zero still learn: the slope of the softmax is not 0 there.
  (routing.weight * Initializer(2).normal("c", routing.weight.sizes(), 1)).sum().backward();
  EXPECT_GT(gate->named_parameters()["weight"].grad().abs().max().item<double>(), 0);
  EXPECT_GT(gate->named_parameters()["noise_weight"].grad().abs().max().item<double>(), 0);
  // Without noise all tie, and the lower index wins.
  batch.context.training = false;
  EXPECT_TRUE(near(gate->forward(batch.input()).expert, longs({0, 1}).expand({2000, 2}), 0));
}

TEST(NoisyTopKGate, ExpertDropoutLeavesNumbersAndNothingForTheDropped) {
  TestBatch batch(1, 64, 8, at::kDouble);
  const auto gate = make_gate(parse_gate("{kind: noisy_top_k, expert_dropout: 0.95, init_scale: 1}"),
                              {8, 4}, Initializer(1, at::kDouble));
  auto routing = gate->forward(batch.input());
  // Nearly all tokens have two experts left, and the entropy is of those.
  EXPECT_LT(routing.stats.entropy.item<double>() / 64, std::log(2) + 0.02);
  auto total = routing.weight.square().sum();
  for (const auto& aux : routing.aux) total = total + aux.value;
  total.backward();
  for (const auto& parameter : gate->parameters()) {
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0);
  }
  // Row 0: only the two experts that are chosen stay. Row 1: three stay.
  const auto dropped = at::tensor({0, 0, 1, 1, 0, 0, 0, 1}).view({2, 4}).to(at::kBool);
  const auto choice = noisy_choice(logits().narrow(0, 0, 2), deviation().narrow(0, 0, 2),
                                   noise().narrow(0, 0, 2), dropped, 2);
  EXPECT_TRUE(near(choice.load[0], at::tensor({1., 1., 0., 0.}), 0));
  EXPECT_EQ(choice.load[1][3].item<double>(), 0);
  EXPECT_GT(choice.load[1][2].item<double>(), 0);
  EXPECT_LT(choice.load[1][2].item<double>(), 0.5);
}

TEST(SquaredVariation, IsFormedOverItsScope) {
  const auto load = golden_tensor("noisy P(x,i)");
  const auto first = load.narrow(0, 0, 4), second = load.narrow(0, 4, 4);
  EXPECT_NEAR(variation(load, BalanceScope::kSequence, 2), (variation(first) + variation(second)) / 2,
              1e-12);
  EXPECT_NEAR(variation(load, BalanceScope::kMicroBatch, 2), variation(load), 1e-12);
  const auto valid = at::arange(8) < 4;
  EXPECT_NEAR(variation(load, BalanceScope::kWorld, 1, valid), variation(first), 1e-12);
  // A sequence of padding alone does not count.
  EXPECT_NEAR(variation(load, BalanceScope::kSequence, 2, valid), variation(first), 1e-12);
  EXPECT_EQ(variation(at::ones({8, 4}, at::kDouble)), 0);
  EXPECT_EQ(variation(at::zeros({8, 4}, at::kDouble)), 0);

  // A half on each rank.
  run_ranks(2, [&](const RankScope& two, int64_t rank) {
    const auto& own = rank == 0 ? first : second;
    EXPECT_NEAR(squared_variation(own, {}, BalanceScope::kWorld, 1, two).item<double>(), variation(load),
                1e-12);
    EXPECT_NEAR(squared_variation(own, {}, BalanceScope::kMicroBatch, 1, two).item<double>(),
                (variation(first) + variation(second)) / 2, 1e-12);
  });
}

}  // namespace
}  // namespace moe
