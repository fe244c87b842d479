#include "gates/bias_balanced_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "gates/learned_options.h"
#include "gates/load_metrics.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A gate over E experts whose logits are x.
std::shared_ptr<Gate> plain_gate(const std::string& yaml, int64_t E) {
  const auto gate = make_gate(parse_gate(yaml), {E, E}, Initializer(1, at::kDouble));
  at::NoGradGuard no_grad;
  gate->named_parameters()["weight"].copy_(at::eye(E, at::kDouble));
  return gate;
}

Tensor bias_of(Gate& gate) { return gate.named_buffers()["bias"]; }

// A step in which the experts had this load.
void end_step_with(Gate& gate, const Tensor& load) {
  GateStats stats;
  stats.tokens_per_expert = load.to(at::kDouble);
  stats.live_slots = stats.tokens = stats.tokens_per_expert.sum();
  gate.end_step({stats, stats});
}

TestBatch batch_of(const Tensor& x, int64_t sequences = 1) {
  TestBatch batch(sequences, x.size(0) / sequences, x.size(1), at::kDouble);
  batch.x = x;
  return batch;
}

TEST(BiasBalancedGate, HasThePublishedChoicesAndWeights) {
  const auto gate =
      plain_gate("{kind: bias_balanced, k: 3, scale: 2.5, groups: 4, groups_kept: 2}", 8);
  bias_of(*gate).copy_(golden_tensor("deepseek bias"));
  const auto routing = gate->forward(batch_of(golden_tensor("deepseek logits")).input());
  EXPECT_TRUE(near(routing.expert, golden_tensor("deepseek topk idx"), 0));
  EXPECT_TRUE(near(routing.weight, golden_tensor("deepseek weights(route_scale 2.5)"), 1e-12));
}

TEST(BiasBalancedGate, BiasMovesAgainstTheLoadByItsSign) {
  const auto gate = plain_gate("bias_balanced", 4);
  EXPECT_EQ(bias_of(*gate).scalar_type(), at::kFloat) << "also where the gate is float64";
  end_step_with(*gate, longs({5, 2, 1, 0}));
  const auto step = golden_tensor("deepseek bias update u=.001 counts[5,2,1,0]");
  EXPECT_TRUE(near(bias_of(*gate), step, 1e-9));
  end_step_with(*gate, longs({0, 0, 8, 0}));
  EXPECT_TRUE(near(bias_of(*gate), step + at::tensor({.001, .001, -.001, .001}), 1e-9));
  const auto frozen = plain_gate("{kind: bias_balanced, update_rate: 0}", 4);
  end_step_with(*frozen, longs({5, 2, 1, 0}));
  EXPECT_EQ(bias_of(*frozen).abs().max().item<double>(), 0);
}

TEST(BiasBalancedGate, BiasDecidesTheChoiceAndNotTheWeight) {
  const auto x = at::tensor({2.0, 1.0, 0.0, -1.0}, at::kDouble).view({1, 4});
  for (const std::string score : {"sigmoid", "softmax"}) {
    const auto gate = plain_gate(
        "{kind: bias_balanced, k: 2, normalize: false, scale: 3, score: " + score + "}", 4);
    const auto s = score == "softmax" ? x.softmax(1) : x.sigmoid();
    auto routing = gate->forward(batch_of(x).input());
    EXPECT_TRUE(near(routing.expert, longs({0, 1}).view({1, 2}), 0));
    bias_of(*gate).copy_(at::tensor({-1.0, 0.0, 0.0, 2.0}));
    routing = gate->forward(batch_of(x).input());
    EXPECT_TRUE(near(routing.expert, longs({3, 1}).view({1, 2}), 0));
    EXPECT_TRUE(near(routing.weight, 3 * s.gather(1, routing.expert), 1e-12));
    EXPECT_DOUBLE_EQ(routing.stats.gate.at("bias_spread").sum.item<double>(), 3);
  }
}

// With 0 instead of minus infinity, expert 3 of an excluded group would beat the negative scores.
TEST(BiasBalancedGate, ExcludedGroupsLoseAgainstNegativeScores) {
  const auto scores = at::tensor({-.1, -.9, -.8, -.2, -.3, -.4}, at::kDouble).view({1, 6});
  const auto limited = limit_groups(scores, 3, 1);  // sums -1.0, -1.0, -0.7
  EXPECT_TRUE(at::equal(
      limited, at::tensor({-kInfinity, -kInfinity, -kInfinity, -kInfinity, -.3, -.4}, at::kDouble)
                   .view({1, 6})));
  EXPECT_TRUE(at::equal(limit_groups(scores, 3, 2).isinf().logical_not(),
                        longs({1, 1, 0, 0, 1, 1}).view({1, 6}).to(at::kBool)))
      << "of equal groups the lower";

  const auto gate = plain_gate("{kind: bias_balanced, k: 2, groups: 3, groups_kept: 1}", 6);
  bias_of(*gate).fill_(-5);
  const auto x = at::tensor({3.0, -2.0, 2.0, -2.0, 1.5, 1.5}, at::kDouble).view({1, 6});
  EXPECT_TRUE(near(gate->forward(batch_of(x).input()).expert, longs({4, 5}).view({1, 2}), 0));
}

TEST(BiasBalancedGate, AGroupIsJudgedByItsTwoBest) {
  const auto scores = at::tensor({.9, .0, .0, .5, .5, .5}, at::kDouble).view({1, 6});
  EXPECT_TRUE(limit_groups(scores, 2, 1).narrow(1, 0, 3).isinf().all().item<bool>());
  // By the best one alone, or by all three, it would be the other: 0.9 > 0.5, 1.2 > 1.1.
  const auto others = at::tensor({.4, .4, .4, .9, .2, .0}, at::kDouble).view({1, 6});
  EXPECT_TRUE(limit_groups(others, 2, 1).narrow(1, 0, 3).isinf().all().item<bool>());
  EXPECT_TRUE(limit_groups(scores.narrow(1, 0, 3), 3, 1).narrow(1, 1, 2).isinf().all().item<bool>())
      << "groups of one";
}

// Its score is 0, but score plus bias is not.
TEST(BiasBalancedGate, NoBiasLiftsAnExpertThatIsLeftOut) {
  const auto gate = plain_gate("{kind: bias_balanced, k: 1, expert_dropout: 0.5}", 4);
  bias_of(*gate).copy_(at::tensor({3., 2., 1., 0.}));
  const auto batch = batch_of(at::zeros({64, 4}, at::kDouble));
  const auto routing = gate->forward(batch.input());
  LearnedOptions options;
  options.expert_dropout = 0.5;
  const auto dropped = dropped_experts(options, batch.input(), 4, 1);
  EXPECT_GT(dropped.select(1, 0).sum().item<int64_t>(), 0);
  EXPECT_EQ(dropped.gather(1, routing.expert).sum().item<int64_t>(), 0);
}

TEST(BiasBalancedGate, ScoresThatAllUnderflowGiveNumbers) {
  const auto gate = plain_gate("{kind: bias_balanced, k: 2}", 4);
  const auto x = at::full({3, 4}, -900.0, at::kDouble).requires_grad_(true);
  const auto routing = gate->forward(batch_of(x).input());
  EXPECT_EQ(routing.weight.abs().max().item<double>(), 0);
  (routing.weight.sum() + routing.aux.at(0).value).backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
}

// E sum_e f_e P_e of every sequence, written out; f by the scores alone, whatever the bias.
TEST(BiasBalancedGate, SequenceLossIsThePublishedOne) {
  const auto x = golden_tensor("logits");  // [8, 4] as 2 sequences of 4
  const int64_t k = 2, E = 4, S = 4;
  double expected = 0;
  for (int64_t b = 0; b < 2; ++b) {
    const auto s = x.narrow(0, b * S, S).sigmoid();
    const auto best = std::get<1>(s.topk(k, 1));
    for (int64_t e = 0; e < E; ++e) {
      const double f =
          static_cast<double>(E) / static_cast<double>(k * S) * (best == e).sum().item<double>();
      expected += f * (s / s.sum(1, true)).select(1, e).mean().item<double>() / 2;
    }
  }
  const auto gate = plain_gate("{kind: bias_balanced, k: 2, sequence_balance: 0.5}", 4);
  bias_of(*gate).copy_(at::tensor({0., 0., 0., 9.}));
  const auto aux = gate->forward(batch_of(x, 2).input()).aux;
  ASSERT_EQ(aux.size(), 1u);
  EXPECT_EQ(aux[0].name, "sequence_balance");
  EXPECT_NEAR(aux[0].value.item<double>(), expected, 1e-12);
  EXPECT_DOUBLE_EQ(aux[0].coefficient, 0.5);
  const auto none = plain_gate("{kind: bias_balanced, sequence_balance: 0}", 4);
  EXPECT_TRUE(none->forward(batch_of(x, 2).input()).aux.empty());
}

// A gate whose scores favour few experts, which no gradient changes: the bias alone spreads the
// load.
TEST(BiasBalancedGate, BiasAloneBalancesTheLoad) {
  TestBatch batch(4, 64, 16, at::kFloat);
  const auto favour = at::linspace(2, -2, 8).view({1, 8});
  batch.x = at::cat({batch.x.narrow(1, 0, 8) * 0.7 + favour, batch.x.narrow(1, 8, 8)}, 1);
  const auto gate = make_gate(parse_gate("{kind: bias_balanced, k: 2, update_rate: 0.01}"), {16, 8},
                              Initializer(1));
  {
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].copy_(at::eye(8, 16));
  }
  const auto violation = [&] { return load_metrics(gate->forward(batch.input()).stats).max_vio; };
  EXPECT_GT(violation(), 1);
  for (int step = 0; step < 150; ++step) {
    const auto stats = gate->forward(batch.input()).stats;
    gate->end_step({stats, stats});
  }
  EXPECT_LT(violation(), 0.25);
}

TEST(BiasBalancedGate, RefusesGroupsThatDoNotFit) {
  EXPECT_EQ(broken_rule("{kind: bias_balanced, groups: 3}", 8),
            "gate.groups: must divide experts (8), found 3");
  EXPECT_EQ(
      broken_rule("{kind: bias_balanced, k: 3, groups: 4, groups_kept: 1}", 8),
      "gate.k: must be at most the experts of the groups kept (1 x 2 = 2), found 3: lower it, or "
      "raise groups_kept");
  EXPECT_EQ(broken_rule("{kind: bias_balanced, k: 9}", 8),
            "gate.k: must be at most experts (8), found 9");
  EXPECT_EQ(broken_rule("{kind: bias_balanced, k: 4, groups: 4, groups_kept: 2}", 8), "");
}

}  // namespace
}  // namespace moe
