#include "gates/top_k_gate.h"

#include <gtest/gtest.h>

#include "tests/support/table_gate.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(TopKGate, ChoosesTheLargestLogits) {
  const auto routing = TableGate("{kind: top_k, k: 2}").forward();
  const auto expected = at::stack({golden_tensor("top1"), golden_tensor("top2")}, 1);
  EXPECT_TRUE(near(routing.expert, expected, 0));
}

TEST(TopKGate, WeightsAreThePublishedOnes) {
  const auto plain = TableGate("{kind: top_k, k: 2, renormalize: false}").forward();
  EXPECT_TRUE(near(plain.weight, golden_tensor("top2 raw softmax probs (no renorm)"), 1e-12));
  const auto golden_renormalized = golden_tensor("top2 renormalised == softmax over top-2 logits");
  EXPECT_TRUE(near(TableGate("{kind: top_k, k: 2}").forward().weight, golden_renormalized, 1e-12));
  EXPECT_TRUE(near(TableGate("{kind: top_k, k: 2, softmax: after}").forward().weight,
                   golden_renormalized, 1e-12));
}

TEST(TopKGate, CapacityDropsInThePublishedOrder) {
  // factor 0.5: ceil(8 * 2 * 0.5 / 4) = 2 tokens per expert, all first choices before second ones.
  const auto routing =
      TableGate("{kind: top_k, k: 2, capacity_factor: 0.5, capacity_order: choice}").forward();
  EXPECT_TRUE(near(routing.weight, golden_tensor("combine mtf/lingvo-legacy (renorm BEFORE drop)"),
                   1e-12));
  EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 3 + 5);
  // Token by token: expert 0 takes tokens 0 and 1, expert 1 too (as second choices), and so on.
  const auto causal = TableGate("{kind: top_k, k: 2, capacity_factor: 0.5}").forward();
  const auto expected = longs({0, 1, 0, 1, -1, 2, -1, 2, -1, -1, -1, -1, -1, 3, -1, 3});
  EXPECT_TRUE(near(causal.expert, expected.view({8, 2}), 0));
}

TEST(TopKGate, SwitchKeepsAndDropsAsPublished) {
  // factor 1: ceil(8 / 4) = 2 tokens per expert.
  const auto routing = TableGate("{kind: switch, capacity_factor: 1, jitter: 0}").forward();
  const auto kept = golden_tensor("switch cap=2 kept");
  EXPECT_TRUE(near((routing.expert.select(1, 0) != kEmpty).to(at::kDouble), kept, 0));
  EXPECT_DOUBLE_EQ(routing.stats.dropped_slots.item<double>() / 8,
                   golden().at("switch fraction dropped"));
  const auto probability = golden_tensor("top2 raw softmax probs (no renorm)").select(1, 0);
  EXPECT_TRUE(near(routing.weight.select(1, 0), probability * kept, 1e-12));
  EXPECT_TRUE(near(routing.aux.at(0).value,
                   golden_tensor("switch_aux (E*sum f_i P_i)"), 1e-12));
  EXPECT_DOUBLE_EQ(routing.aux.at(0).coefficient, 0.01);
}

TEST(TopKGate, EqualLogitsGoToTheLowerIndex) {
  const auto chosen = top_k_experts(at::zeros({3, 8}), 3);
  EXPECT_TRUE(near(chosen, longs({0, 1, 2}).expand({3, 3}), 0));
  const auto mixed = top_k_experts(at::tensor({1.f, 2.f, 2.f, 0.f, 2.f}).view({1, 5}), 4);
  EXPECT_TRUE(near(mixed, longs({1, 2, 4, 0}).view({1, 4}), 0));
}

TEST(TopKGate, JitterIsOnlyForTrainingAndFollowsTheGlobalToken) {
  TestBatch batch(1, 8, 16, at::kFloat);
  const auto gate = make_gate(parse_gate("{kind: top_k, k: 4, jitter: 0.3}"), {16, 4}, Initializer(1));
  const auto whole = gate->forward(batch.input()).weight;
  // The last four tokens, as another micro-batch of the same step would hold them.
  TestBatch half(1, 4, 16, at::kFloat);
  half.x = batch.x.narrow(0, 4, 4);
  half.context.noise.first_token = 4;
  EXPECT_TRUE(near(gate->forward(half.input()).weight, whole.narrow(0, 4, 4), 1e-6));
  half.context.noise.first_token = 0;
  EXPECT_FALSE(near(gate->forward(half.input()).weight, whole.narrow(0, 4, 4), 1e-4));
  batch.context.noise.step = 1;
  EXPECT_FALSE(near(gate->forward(batch.input()).weight, whole, 1e-4));
}

TEST(TopKGate, PresetsAreSettings) {
  const auto same = [](const std::string& preset, const std::string& settings) {
    const TestBatch batch(2, 8, 8, at::kFloat);
    const auto a = make_gate(parse_gate(preset), {8, 4}, Initializer(1))->forward(batch.input());
    const auto b = make_gate(parse_gate(settings), {8, 4}, Initializer(1))->forward(batch.input());
    return bitwise_equal(a.weight, b.weight) && bitwise_equal(a.expert, b.expert);
  };
  EXPECT_TRUE(same("mixtral", "{kind: top_k, k: 2}"));
  EXPECT_TRUE(same("switch",
                   "{kind: top_k, k: 1, renormalize: false, capacity_factor: 1.25, jitter: 0.01, "
                   "init_scale: 0.3162278}"));
  EXPECT_FALSE(same("switch", "{kind: top_k, k: 1}"));
}

}  // namespace
}  // namespace moe
