#include "gates/relu_gate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

// The golden table: weights relu(logits - 1) of 8 tokens over 4 experts.
struct ReluTable {
  TestBatch batch{1, 8, 4, at::kDouble};
  std::shared_ptr<Gate> gate;

  explicit ReluTable(const std::string& yaml) {
    gate = make_gate(parse_gate(yaml), {4, 4}, Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].copy_(at::eye(4, at::kDouble));
    batch.x = golden_tensor("logits") - 1;
  }
  Routing forward() { return gate->forward(batch.input()); }
};

Tensor lambda_of(Gate& gate) { return gate.named_buffers()["lambda"]; }

// Statistics of a step in which `slots` of `tokens` x experts were live.
GateStats stats_of(double tokens, double slots) {
  GateStats stats;
  stats.tokens = at::full({}, tokens, at::kDouble);
  stats.live_slots = at::full({}, slots, at::kDouble);
  return stats;
}

TEST(ReluGate, HasThePublishedWeightsAndSparsity) {
  const auto routing = ReluTable("{kind: relu, k: 1}").forward();
  EXPECT_TRUE(near(routing.weight, golden_tensor("remoe relu(logit-1)"), 1e-12));
  EXPECT_DOUBLE_EQ(1 - routing.stats.live_slots.item<double>() / 32,
                   golden().at("remoe sparsity").get<double>());
  EXPECT_EQ(routing.stats.empty_tokens.item<double>(), 1) << "a token may have no expert";
}

TEST(ReluGate, HasThePublishedLosses) {
  const auto check = [](const std::string& options, const std::string& name) {
    const auto aux = ReluTable("{kind: relu, k: 1, lambda: 0.5" + options + "}").forward().aux;
    ASSERT_EQ(aux.size(), 1u);
    EXPECT_EQ(aux[0].name, "l1");
    EXPECT_NEAR(aux[0].value.item<double>(), 0.5 * golden().at(name).get<double>(), 1e-12);
    EXPECT_EQ(aux[0].coefficient, 1);
  };
  check("", "remoe L1 load-balanced k=1");
  check(", balanced: false", "remoe L1 plain mean_t sum_e");
  const auto two = ReluTable("{kind: relu, k: 2, lambda: 0.5}").forward();
  EXPECT_NEAR(two.aux[0].value.item<double>(),
              0.25 * golden().at("remoe L1 load-balanced k=1").get<double>(), 1e-12);
  EXPECT_NEAR(two.stats.gate.at("l1").sum.item<double>(), 2 * two.aux[0].value.item<double>(),
              1e-12);
  EXPECT_EQ(two.stats.gate.at("lambda").sum.item<double>(), 0.5);
}

TEST(ReluGate, CountsCarryNoGradientAndPaddingNoPart) {
  const auto weight = golden_tensor("remoe relu(logit-1)").requires_grad_(true);
  const auto valid = at::arange(8) < 5;
  const auto masked = weight * valid.unsqueeze(1);
  const auto loss = l1_loss(masked, 1, true, valid, OneRank());
  EXPECT_TRUE(near(loss, l1_loss(weight.narrow(0, 0, 5), 1, true, {}, OneRank()), 1e-12));
  loss.backward();
  // d/dg[t, e] = E / (k T^2) count_e for the five valid tokens.
  const auto count = (weight.detach().narrow(0, 0, 5) > 0).sum(0, /*keepdim=*/false, at::kDouble);
  EXPECT_TRUE(near(weight.grad().narrow(0, 0, 5), (count * (4.0 / 25)).expand({5, 4}), 1e-12));
  EXPECT_EQ(weight.grad().narrow(0, 5, 3).abs().max().item<double>(), 0);
}

TEST(ReluGate, LambdaFollowsThePublishedTrace) {
  ReluTable table("{kind: relu, k: 1}");
  const auto expected =
      golden_tensor("remoe lambda trace sparsities [.2,.5,.74,.76,.80,.75] k/E=.25");
  const std::vector<double> slots = {320, 200, 104, 96, 80, 100};  // of 100 tokens x 4 experts
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto stats = stats_of(100, slots[i]);
    table.gate->end_step({stats, stats});
    const double published = expected[static_cast<int64_t>(i)].item<double>();
    EXPECT_NEAR(lambda_of(*table.gate).item<double>() / published, 1, 1e-6) << "step " << i;
  }
}

TEST(ReluGate, AllLayersKeepOneLambda) {
  ReluTable busy("{kind: relu, k: 1}"), idle("{kind: relu, k: 1}");
  const auto many = stats_of(100, 300), few = stats_of(100, 10);
  auto both = many;
  both.tokens = many.tokens + few.tokens;
  both.live_slots = many.live_slots + few.live_slots;
  busy.gate->end_step({many, both});
  idle.gate->end_step({few, both});
  EXPECT_FLOAT_EQ(lambda_of(*busy.gate).item<float>(), 1.2e-8f);
  EXPECT_TRUE(bitwise_equal(lambda_of(*busy.gate), lambda_of(*idle.gate)));
}

// Without bounds float32 would round lambda to 0 after about 470 sparse steps, and 0 times 1.2 is
// 0.
TEST(ReluGate, LambdaComesBackFromBothEnds) {
  ReluTable table("{kind: relu, k: 1}");
  const auto lambda = [&] { return lambda_of(*table.gate).item<double>(); };
  const auto sparse = stats_of(100, 10), dense = stats_of(100, 300);
  for (int i = 0; i < 700; ++i) table.gate->end_step({sparse, sparse});
  EXPECT_NEAR(lambda(), 1e-8, 1e-14) << "its first value";
  for (int i = 0; i < 60; ++i) table.gate->end_step({dense, dense});
  EXPECT_NEAR(lambda() / (1e-8 * std::pow(1.2, 60)), 1, 1e-4);
  for (int i = 0; i < 1200; ++i) table.gate->end_step({dense, dense});
  EXPECT_TRUE(std::isfinite(lambda()));
  for (int i = 0; i < 500; ++i) table.gate->end_step({sparse, sparse});
  EXPECT_LT(lambda(), 1);
}

TEST(ReluGate, BeginsWithHalfOfTheExperts) {
  const TestBatch batch(8, 64, 32, at::kFloat);
  const auto choice = parse_gate("{kind: relu, k: 2}");
  const auto gate = make_gate(choice, {32, 16}, Initializer(1));
  const double slots = gate->forward(batch.input()).stats.live_slots.item<double>() / 512;
  EXPECT_NEAR(slots, static_cast<double>(gate_config(choice).first_slots(16)), 2);
  EXPECT_EQ(gate_config(choice).slots(16), 2);
  EXPECT_EQ(gate_config(parse_gate("{kind: relu, k: 3}")).first_slots(4), 3);
}

}  // namespace
}  // namespace moe
