#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/table_gate.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

// Capacity 1 * 8 / 4 = 2 tokens per expert, all first choices before second ones.
const std::string kPublishedOrder =
    "{kind: gshard_top_2, second: all, capacity_factor: 1, capacity_order: choice, renormalize: ";

TEST(GshardTop2Gate, WeightsAreThePublishedOnesInEveryConvention) {
  const auto weight = [](const std::string& renormalize) {
    return TableGate(kPublishedOrder + renormalize + "}").forward().weight;
  };
  EXPECT_TRUE(near(weight("before_drop"),
                   golden_tensor("combine mtf/lingvo-legacy (renorm BEFORE drop)"), 1e-12));
  EXPECT_TRUE(near(weight("after_drop"),
                   golden_tensor("combine fairscale/DeepSpeed (renorm AFTER drop)"), 1e-12));
  EXPECT_TRUE(near(weight("none"), golden_tensor("combine flaxformer/vmoe (no renorm)"), 1e-12));
}

TEST(GshardTop2Gate, KeepsWhatThePublishedOrderKeeps) {
  const auto routing = TableGate(kPublishedOrder + "none}").forward();
  EXPECT_TRUE(near((routing.expert != kEmpty).t().to(at::kDouble),
                   golden_tensor("top2 cap=2 vanilla kept"), 0));
  EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 3 + 5);
}

TEST(GshardTop2Gate, FillsTokenByTokenByDefault) {
  const auto routing = TableGate("{kind: gshard_top_2, second: all, capacity_factor: 1}").forward();
  const auto expected = longs({0, 1, 0, 1, -1, 2, -1, 2, -1, -1, -1, -1, -1, 3, -1, 3});
  EXPECT_TRUE(near(routing.expert, expected.view({8, 2}), 0));
}

TEST(GshardTop2Gate, BalanceLossCountsFirstChoicesOnly) {
  const auto routing = TableGate("{kind: gshard_top_2}").forward();
  ASSERT_EQ(routing.aux.size(), 1u);
  EXPECT_EQ(routing.aux[0].name, "load_balancing");
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("switch_aux (E*sum f_i P_i)"), 1e-12));
  // The published mean over experts of f P is E^2 times smaller.
  EXPECT_NEAR(routing.aux[0].value.item<double>() / 16,
              golden().at("gshard_aux_mean_form (mean(f*P), no E^2)").get<double>(), 1e-12);
}

TEST(GshardTop2Gate, ThresholdKeepsTheSecondsAboveItAlsoInEvaluation) {
  TableGate gate("{kind: gshard_top_2, second: threshold, second_threshold: 0.3, capacity_factor: 0}");
  const auto share = golden_tensor("top2 renormalised == softmax over top-2 logits").select(1, 1);
  const auto expected = (share > 0.3).to(at::kDouble);
  ASSERT_GT(expected.sum().item<double>(), 0);
  ASSERT_LT(expected.sum().item<double>(), 8);
  for (const bool training : {true, false}) {
    gate.batch.context.training = training;
    const auto routing = gate.forward();
    EXPECT_TRUE(near((routing.expert.select(1, 1) != kEmpty).to(at::kDouble), expected, 0));
    EXPECT_DOUBLE_EQ(gate_figure(routing, "second_used"), expected.mean().item<double>());
    EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 0);
    // A lone first expert keeps its share of g1 + g2.
    EXPECT_TRUE(near(routing.weight.select(1, 0), 1 - share, 1e-12));
  }
}

// T tokens that all have logits (0, log(odds)): the second expert's share is 1 / (1 + odds).
struct EqualTokens {
  TestBatch batch{1, 4000, 2, at::kDouble};
  std::shared_ptr<Gate> gate;
  EqualTokens(const std::string& yaml, double odds) {
    gate = make_gate(parse_gate(yaml), {2, 2}, Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].copy_(at::eye(2, at::kDouble));
    batch.x = at::tensor({0., std::log(odds)}, at::kDouble).expand({4000, 2}).contiguous();
  }
  double second_used() {
    return (gate->forward(batch.input()).expert.select(1, 1) != kEmpty)
        .to(at::kDouble)
        .mean()
        .item<double>();
  }
};

TEST(GshardTop2Gate, SecondExpertComesWithProbabilityOfItsShareOverTheThreshold) {
  const double deviation = std::sqrt(0.25 / 4000);
  // Share 0.2: 2 * 0.2 by default, 0.2 / 0.8 by threshold, always from the threshold on.
  EXPECT_NEAR(EqualTokens("{kind: gshard_top_2, capacity_factor: 0}", 4).second_used(), 0.4,
              4 * deviation);
  EXPECT_NEAR(EqualTokens("{kind: gshard_top_2, capacity_factor: 0, second_threshold: 0.8}", 4)
                  .second_used(),
              0.25, 4 * deviation);
  EXPECT_EQ(EqualTokens("{kind: gshard_top_2, capacity_factor: 0, second_threshold: 0.2}", 4)
                .second_used(),
            1);
}

TEST(GshardTop2Gate, SecondExpertIsRandomInTrainingOnlyAndFollowsTheGlobalToken) {
  EqualTokens tokens("{kind: gshard_top_2, capacity_factor: 0}", 4);
  const auto whole = tokens.gate->forward(tokens.batch.input()).expert;
  tokens.batch.context.noise.step = 1;
  EXPECT_FALSE(bitwise_equal(tokens.gate->forward(tokens.batch.input()).expert, whole));
  TestBatch half(1, 2000, 2, at::kDouble);
  half.x = tokens.batch.x.narrow(0, 2000, 2000);
  half.context.noise.first_token = 2000;
  EXPECT_TRUE(bitwise_equal(tokens.gate->forward(half.input()).expert, whole.narrow(0, 2000, 2000)));
  tokens.batch.context.training = false;
  EXPECT_EQ(tokens.second_used(), 1);
}

TEST(GshardTop2Gate, RefusedSecondsLeaveTheirPlaceToOthers) {
  // Two experts of 2000 places: all seconds want expert 0, and hardly any gets past the firsts.
  EqualTokens tokens("{kind: gshard_top_2, capacity_factor: 0.5, second: all}", 4);
  EXPECT_DOUBLE_EQ(tokens.second_used(), 0.25);  // 1000 places each
  EqualTokens some("{kind: gshard_top_2, capacity_factor: 0.5}", 4);
  EXPECT_DOUBLE_EQ(some.second_used(), 0.25);  // 0.4 * 4000 ask, 1000 get it
  const auto expert = some.gate->forward(some.batch.input()).expert.select(1, 1);
  // Later tokens than the first 1000, since others before them did not ask.
  EXPECT_TRUE((expert.narrow(0, 1000, 3000) != kEmpty).any().item<bool>());
}

TEST(GshardTop2Gate, OneExpertIsOneSlot) {
  TestBatch batch(1, 4, 3, at::kFloat);
  const auto gate = make_gate(parse_gate("gshard_top_2"), {3, 1}, Initializer(1));
  const auto routing = gate->forward(batch.input());
  EXPECT_EQ(routing.expert.size(1), 1);
  EXPECT_TRUE(near(routing.weight, at::ones({4, 1}), 0));
  EXPECT_EQ(gate_config(parse_gate("gshard_top_2")).slots(1), 1);
  EXPECT_EQ(gate_config(parse_gate("gshard_top_2")).slots(8), 2);
}

}  // namespace
}  // namespace moe
