// DSelect-k's ways to a good sparse gate: what each option adds, and when.
#include <gtest/gtest.h>

#include "gates/gate_losses.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

const AuxLoss* loss_of(const Routing& routing, const std::string& name) {
  for (const auto& loss : routing.aux) {
    if (loss.name == name) return &loss;
  }
  return nullptr;
}

// The published static example: E 4, k 2, whose selectors and weights are known.
Routing static_routing(const std::string& options, double progress) {
  const auto gate = make_gate(parse_gate("{kind: dselect_k_static, " + options + "}"), {3, 4},
                              Initializer(1, at::kDouble));
  at::NoGradGuard no_grad;
  gate->named_parameters()["bit_logits"].copy_(golden_tensor("dsk static n=4 k=2 Z").flatten());
  gate->named_parameters()["mix_logits"].copy_(golden_tensor("dsk static w"));
  TestBatch batch(1, 5, 3, at::kDouble);
  batch.context.progress = progress;
  return gate->forward(batch.input());
}

TEST(DSelectKOptions, CollisionIsTheProductOfTheSelectors) {
  const auto r = golden_tensor("dsk static selectors");
  const auto routing = static_routing("collision: 0.5", 1);
  const auto* collision = loss_of(routing, "collision");
  ASSERT_NE(collision, nullptr);
  EXPECT_TRUE(near(collision->value, (r[0] * r[1]).sum(), 1e-14));
  EXPECT_NEAR(collision->value.item<double>(), 0.04564597, 1e-6);
}

TEST(DSelectKOptions, LoadBalancingIsOfTheMixedWeights) {
  const auto q = golden_tensor("dsk static weights");
  const auto routing = static_routing("load_balancing: 0.5", 1);
  const auto* balance = loss_of(routing, "load_balancing");
  ASSERT_NE(balance, nullptr);
  EXPECT_TRUE(near(balance->value, 4 * q.square().sum(), 1e-9));  // squared_variation's own 1e-10
}

TEST(DSelectKOptions, EveryCoefficientFollowsItsOwnSchedule) {
  const std::string options =
      "entropy: 1, entropy_from: 0, entropy_until: 0.5, collision: 2, collision_from: 0.5, "
      "collision_until: 0.5, load_balancing: 4, load_balancing_from: 0, load_balancing_until: 1";
  const auto routing = static_routing(options, 0.25);
  EXPECT_EQ(loss_of(routing, "entropy")->coefficient, 0.5);
  EXPECT_EQ(loss_of(routing, "collision")->coefficient, 0);
  EXPECT_EQ(loss_of(routing, "load_balancing")->coefficient, 1);
  EXPECT_EQ(loss_of(static_routing(options, 0.5), "collision")->coefficient, 2);
}

TEST(DSelectKOptions, OffAsNothing) {
  const auto routing = static_routing("collision: 0, load_balancing: 0, entropy: 0", 1);
  EXPECT_TRUE(routing.aux.empty());
}

// A narrower step decides more bits; what the gate does at a share of the run depends on that share
// alone, in training and out of it.
TEST(DSelectKOptions, GammaFollowsTheRunInEvaluationToo) {
  const auto gate = make_gate(
      parse_gate("{kind: dselect_k, k: 2, gamma: 50, gamma_final: 0.01, load_balancing: 0}"), {4, 8},
      Initializer(1, at::kDouble));
  spread_parameters(*gate, 0.5);
  TestBatch batch(1, 16, 4, at::kDouble);
  const auto at_progress = [&](double progress, bool training) {
    batch.context.progress = progress;
    batch.context.training = training;
    return gate->forward(batch.input());
  };
  EXPECT_EQ(at_progress(0, true).stats.live_slots.item<double>(), 16 * 8);
  EXPECT_LT(at_progress(1, true).stats.live_slots.item<double>(), 16 * 3);
  EXPECT_TRUE(bitwise_equal(at_progress(0.5, true).weight, at_progress(0.5, false).weight));
  EXPECT_FALSE(bitwise_equal(at_progress(0.5, false).weight, at_progress(1, false).weight));
}

TEST(DSelectKOptions, InitScaleIsTheBoundOfTheFirstBits) {
  for (const double scale : {1.0, 10.0}) {
    const auto gate = make_gate(parse_gate("{kind: dselect_k, gamma: 5, init_scale: " +
                                           std::to_string(scale) + "}"),
                                {400, 8}, Initializer(1, at::kDouble));
    const auto most = gate->named_parameters()["bit_weight"].abs().max().item<double>();
    EXPECT_LE(most, scale * 5 / (100 * 20));
    EXPECT_GT(most, 0.98 * scale * 5 / (100 * 20));
  }
}

TEST(DSelectKOptions, BitsOfEverySelectorAreCounted) {
  const auto gate =
      make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1}"), {2, 4}, Initializer(1));
  {
    at::NoGradGuard no_grad;
    for (const auto& item : gate->named_parameters()) item.value().zero_();
    // Selector 0 follows x[0] with both bits, selector 1 follows x[1] with one; its other bit stays at 0.
    gate->named_parameters()["bit_weight"].copy_(
        at::tensor({1., 0., 1., 0., 0., 1., 0., 0.}).view({4, 2}));
  }
  TestBatch batch(1, 4, 2, at::kFloat);
  batch.x = at::tensor({1.f, 1.f, 1.f, -1.f, .1f, 1.f, -1.f, -1.f}).view({4, 2});
  const auto& stats = gate->forward(batch.input()).stats;
  const auto& each = stats.gate.at("saturated_bits_by_selector");
  EXPECT_TRUE(near(each.sum, at::tensor({3., 2.}, at::kDouble), 1e-6));
  EXPECT_EQ(each.count.item<double>(), 4);
  EXPECT_NEAR(stats.gate.at("saturated_bits").sum.item<double>(), 2.5, 1e-6);
}

}  // namespace

TEST(MixtureBalanceLoss, IsOneAtBalanceAndEWhereOneExpertHasAll) {
  const OneRank ranks;
  const auto value = [&](const Tensor& weight, const Tensor& valid = {}) {
    return mixture_balance_loss(weight, valid, ranks).item<double>();
  };
  EXPECT_NEAR(value(at::eye(4, at::kDouble)), 1, 1e-9);
  EXPECT_NEAR(value(at::full({3, 4}, 0.25, at::kDouble)), 1, 1e-9);
  const auto one = at::zeros({3, 4}, at::kDouble);
  one.select(1, 2).fill_(1);
  EXPECT_NEAR(value(one), 4, 1e-8);
  // Two experts of four: twice the balanced value. Of padding nothing counts, nor of a row's sum.
  const auto two = at::tensor({1., 0., 0., 0., 0., .2, 0., 0., 0., 0., 1., 0.}, at::kDouble).view({3, 4});
  EXPECT_NEAR(value(two, at::tensor({1, 1, 0}).to(at::kBool)), 2, 1e-8);
  // A token without weight has no share.
  EXPECT_NEAR(value(at::cat({one, at::zeros({2, 4}, at::kDouble)})), 4, 1e-8);
}

// Its gradient pushes the busy expert down and leaves an exact zero flat where the weights are.
TEST(MixtureBalanceLoss, PushesTowardsBalance) {
  const OneRank ranks;
  const auto weight =
      at::tensor({.7, .3, .6, .4}, at::kDouble).view({2, 2}).requires_grad_(true);
  mixture_balance_loss(weight, {}, ranks).backward();
  EXPECT_TRUE((weight.grad().select(1, 0) > 0).all().item<bool>());
  EXPECT_TRUE((weight.grad().select(1, 1) < 0).all().item<bool>());
}

}  // namespace moe
