// Capacity, balance loss, z-loss, load figures, round robin: small pure parts.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gates/capacity.h"
#include "gates/gate_losses.h"
#include "gates/load_metrics.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

const OneRank kOneRank;

Tensor golden_choices(int64_t k) {
  const auto both = at::stack({golden_tensor("top1"), golden_tensor("top2")}, 1).to(at::kLong);
  return both.narrow(1, 0, k);
}

TEST(Capacity, IsMegatronsFormOrThePapersRoundedUp) {
  for (const auto& row : golden().at("capacity")) {
    EXPECT_EQ(expert_capacity(row["N"], row["k"], row["E"], row["cf"]), row["megatron"]) << row;
    EXPECT_EQ(expert_capacity(row["N"], 1, row["E"], row["cf"]), std::ceil(row["paper"].get<double>()))
        << row;
  }
  EXPECT_EQ(expert_capacity(1, 1, 64, 0.1), 1);
}

TEST(Capacity, QueuesByChoiceAsPublished) {
  const auto position = queue_positions(golden_choices(2), 4, CapacityOrder::kChoice);
  EXPECT_TRUE(near(position.t(), golden_tensor("top2 cap=2 vanilla positions"), 0));
}

TEST(Capacity, QueuesByTokenAndPassesEmptySlots) {
  const auto expert = longs({0, 1, kEmpty, 0, 1, 0}).view({3, 2});
  const auto position = queue_positions(expert, 2, CapacityOrder::kToken);
  EXPECT_TRUE(near(position, longs({0, 0, -1, 1, 1, 2}).view({3, 2}), 0));
}

TEST(LoadBalancingLoss, HasThePublishedValues) {
  const auto P = golden_tensor("softmax");
  const auto loss = [&](int64_t k) {
    return load_balancing_loss(P, golden_choices(k), {}, BalanceScope::kWorld, 1, kOneRank);
  };
  EXPECT_TRUE(near(loss(1), golden_tensor("switch_aux (E*sum f_i P_i)"), 1e-12));
  EXPECT_TRUE(near(loss(2), golden_tensor("megatron_top2_aux (f=/(T*k))"), 1e-12));
  EXPECT_TRUE(near(loss(2) * 2, golden_tensor("flaxformer/HF-mixtral_top2_aux (f=/T)"), 1e-12));
}

TEST(LoadBalancingLoss, IsOneAtBalanceAndPerSequenceTheMean) {
  const auto even = at::full({8, 4}, 0.25, at::kDouble);
  const auto round = at::arange(8, at::kLong).remainder(4).view({8, 1});
  EXPECT_NEAR(load_balancing_loss(even, round, {}, BalanceScope::kWorld, 2, kOneRank).item<double>(), 1, 1e-12);
  const auto P = golden_tensor("softmax");
  const auto half = [&](int64_t from) {
    return load_balancing_loss(P.narrow(0, from, 4), golden_choices(1).narrow(0, from, 4), {},
                               BalanceScope::kWorld, 1, kOneRank);
  };
  EXPECT_TRUE(near(load_balancing_loss(P, golden_choices(1), {}, BalanceScope::kSequence, 2, kOneRank),
                   (half(0) + half(4)) / 2, 1e-12));
}

TEST(LoadBalancingLoss, PaddingDoesNotCount) {
  const auto P = golden_tensor("softmax");
  const auto valid = at::arange(8) < 5;
  EXPECT_TRUE(near(load_balancing_loss(P, golden_choices(2), valid, BalanceScope::kWorld, 1, kOneRank),
                   load_balancing_loss(P.narrow(0, 0, 5), golden_choices(2).narrow(0, 0, 5), {},
                                       BalanceScope::kWorld, 1, kOneRank),
                   1e-12));
}

TEST(LoadBalancingLoss, GradientReachesTheProbabilitiesOnly) {
  const auto P = golden_tensor("softmax").requires_grad_(true);
  load_balancing_loss(P, golden_choices(1), {}, BalanceScope::kWorld, 1, kOneRank).backward();
  // dL/dP[t, e] = E * f_e / T with f = 5/8, 2/8, 1/8, 0.
  EXPECT_TRUE(near(P.grad(), at::tensor({.3125, .125, .0625, 0.}, at::kDouble).expand({8, 4}), 1e-12));
}

TEST(ZLoss, HasThePublishedValue) {
  EXPECT_TRUE(near(z_loss(golden_tensor("logits"), {}, kOneRank), golden_tensor("z_loss_unscaled"), 1e-12));
  const auto valid = at::arange(8) < 3;
  EXPECT_TRUE(near(z_loss(golden_tensor("logits"), valid, kOneRank),
                   golden_tensor("logsumexp").narrow(0, 0, 3).square().mean(), 1e-12));
}

TEST(LoadMetrics, HaveThePublishedValues) {
  Routing routing;
  routing.expert = golden_choices(1);
  routing.weight = at::ones({8, 1}, at::kDouble);
  const auto m = load_metrics(gate_stats(routing, golden_tensor("softmax"), {}, {}));
  EXPECT_EQ(m.tokens_per_expert, (std::vector<double>{5, 2, 1, 0}));
  EXPECT_NEAR(m.load_cv, golden().at("metric CV").get<double>(), 1e-12);
  EXPECT_NEAR(m.max_vio, golden().at("metric MaxVio").get<double>(), 1e-12);
  EXPECT_NEAR(m.entropy, golden().at("metric mean token entropy (nats)").get<double>(), 1e-12);
  EXPECT_EQ(m.dead_experts, 1);
  EXPECT_EQ(m.slots_per_token, 1);
  EXPECT_EQ(m.empty_tokens, 0);
}

TEST(LoadMetrics, OfAnIdleLayerAreNumbers) {
  EXPECT_EQ(max_violation({0, 0}), 0);
  EXPECT_EQ(load_variation({0, 0}), 0);
}

TEST(GateStats, AddUp) {
  Routing routing;
  routing.expert = golden_choices(1);
  routing.weight = at::ones({8, 1}, at::kDouble);
  const auto once = gate_stats(routing, golden_tensor("softmax"), {}, {});
  GateStats twice;
  twice += once;
  twice += once;
  const auto m = load_metrics(twice);
  EXPECT_EQ(m.tokens_per_expert, (std::vector<double>{10, 4, 2, 0}));
  EXPECT_NEAR(m.entropy, golden().at("metric mean token entropy (nats)").get<double>(), 1e-12);
}

TEST(RoundRobinGate, GoesByPosition) {
  const auto gate = make_gate(parse_gate("{kind: round_robin, k: 2}"), {4, 3}, Initializer(1));
  TestBatch batch(2, 3, 4, at::kFloat);
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.expert,
                   longs({0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0}).view({6, 2}), 0));
  EXPECT_TRUE(near(routing.weight, at::full({6, 2}, 0.5), 0));
  batch.context.positions = longs({5, 0, 1, 0, 1, 2}).view({2, 3});
  EXPECT_EQ(gate->forward(batch.input()).expert[0][0].item<int64_t>(), 2);
}

TEST(Routing, FlushesTinyWeightsByAMask) {
  const auto weight = at::tensor({1e-31f, 1e-30f, 0.5f}).requires_grad_(true);
  const auto flushed = flush_tiny(weight);
  flushed.sum().backward();
  EXPECT_TRUE(near(flushed, at::tensor({0.f, 1e-30f, 0.5f}), 0));
  EXPECT_TRUE(near(weight.grad(), at::tensor({0.f, 1.f, 1.f}), 0));
  // A gate that has diverged must not become one that is merely empty.
  const auto nan = at::full({1}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(flush_tiny(nan).isnan().all().item<bool>());
}

}  // namespace
}  // namespace moe
