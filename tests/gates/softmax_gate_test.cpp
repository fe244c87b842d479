// The dense mixture against worked numbers.
#include "gates/softmax_gate.h"

#include <gtest/gtest.h>

#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

// A gate whose logits are the golden table's: x is the table, and the weight the identity.
Routing routing_of(const std::string& yaml) {
  const auto gate = make_gate(parse_gate(yaml), {4, 4}, Initializer(1, at::kDouble));
  { at::NoGradGuard g; gate->named_parameters()["weight"].copy_(at::eye(4, at::kDouble)); }
  TestBatch batch(1, 8, 4, at::kDouble);
  batch.x = golden_tensor("logits");
  return gate->forward(batch.input());
}

TEST(Softmax, WeightsAreTheSoftmaxOverAllExperts) {
  const auto routing = routing_of("softmax");
  EXPECT_TRUE(near(routing.weight, golden_tensor("softmax"), 1e-14));
  EXPECT_TRUE(near(routing.expert, longs({0, 1, 2, 3}).expand({8, 4}), 0));
  EXPECT_TRUE(routing.aux.empty());
  EXPECT_EQ(routing.stats.live_slots.item<double>(), 32);
  EXPECT_NEAR(routing.stats.entropy.item<double>() / 8,
              golden_tensor("metric mean token entropy (nats)").item<double>(), 1e-12);
}

TEST(Softmax, BalanceLossCountsFirstChoices) {
  const auto routing = routing_of("{kind: softmax, load_balancing: 0.5}");
  ASSERT_EQ(routing.aux.size(), 1u);
  EXPECT_EQ(routing.aux[0].coefficient, 0.5);
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("switch_aux (E*sum f_i P_i)"), 1e-9));
}

// Jacobs 1991: with error (d - o)^2 / 2 per expert, weighted by p, the gate's logits get
// dE/dz_i = p_i (e_i - sum_j p_j e_j).
TEST(Softmax, TheTaskTeachesTheGateThroughEveryExpert) {
  const auto gate = make_gate(parse_gate("softmax"), {1, 3}, Initializer(1, at::kDouble));
  { at::NoGradGuard g; gate->named_parameters()["weight"].copy_(at::tensor({.3, -.2, .1}, at::kDouble).view({3, 1})); }
  TestBatch batch(1, 1, 1, at::kDouble);
  batch.x = at::ones({1, 1}, at::kDouble);
  const auto p = gate->forward(batch.input()).weight[0];
  EXPECT_TRUE(near(p, at::tensor({.41232669, .25008878, .33758454}, at::kDouble), 1e-8));
  const auto error = (1 - at::tensor({.5, 1.5, 3.}, at::kDouble)).square();
  const auto competitive = (p * error).sum();
  EXPECT_NEAR(competitive.item<double>(), 1.51594202, 1e-8);
  competitive.backward();
  const auto expected = (p * (error - competitive)).detach();
  EXPECT_TRUE(near(gate->named_parameters()["weight"].grad().view({3}), expected, 1e-12));
}

TEST(Softmax, IsActiveInAllExperts) {
  const auto choice = parse_gate("softmax");
  EXPECT_EQ(gate_config(choice).slots(6), 6);
  EXPECT_EQ(gate_config(choice).first_slots(6), 6);
  EXPECT_EQ(gate_config(choice).flops_per_token(8, 6), 2 * 8 * 6);
}

}  // namespace
}  // namespace moe
