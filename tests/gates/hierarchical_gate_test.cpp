#include "gates/hierarchical_gate.h"

#include <gtest/gtest.h>

#include "gates/gate_losses.h"
#include "tests/support/gates.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

constexpr int64_t kTokens = 24, kWidth = 6, kGroups = 3, kSize = 2;

// A hierarchical gate of three groups of two, and a batch for it.
struct Tree {
  TestBatch batch{2, kTokens / 2, kWidth, at::kDouble};
  std::shared_ptr<Gate> gate;

  Tree(const std::string& outer, const std::string& inner) {
    const auto yaml = "{kind: hierarchical, groups: 3, outer: " + outer + ", inner: " + inner + "}";
    gate = make_gate(parse_gate(yaml), {kWidth, kGroups * kSize}, Initializer(4, at::kDouble));
    spread_parameters(*gate, 1);
  }
  Routing forward() { return gate->forward(batch.input()); }
  Tensor parameter(const std::string& name) { return gate->named_parameters()[name]; }
  Tensor buffer(const std::string& name) { return gate->named_buffers()[name]; }
  Tensor logits(const std::string& level) {
    return at::linear(batch.x, parameter(level + ".weight"));
  }
};

// [T, K] slots as [T, E] weights.
Tensor as_dense(const Routing& routing, int64_t experts) {
  const auto bin =
      at::where(routing.expert == kEmpty, at::full({}, experts, at::kLong), routing.expert);
  return at::zeros({bin.size(0), experts + 1}, routing.weight.options())
      .scatter_add(1, bin, routing.weight)
      .narrow(1, 0, experts);
}

// Softmax of the k largest, 0 elsewhere: top_k's weights.
Tensor top_k_weights(const Tensor& logits, int64_t k) {
  const auto best = std::get<1>(logits.topk(k, 1));
  const auto kept = at::zeros_like(logits, at::kBool).scatter_(1, best, true);
  return logits.masked_fill(kept.logical_not(), -1e300).softmax(1);
}

TEST(HierarchicalGate, WeightsAreProductsOfBothLevels) {
  for (const auto& [Ko, Ki] : {std::pair<int64_t, int64_t>{2, 1}, {1, 2}, {3, 2}}) {
    const auto top = [](int64_t k) { return "{kind: top_k, k: " + std::to_string(k) + "}"; };
    Tree tree(top(Ko), top(Ki));
    const auto routing = tree.forward();
    EXPECT_EQ(routing.expert.size(1), Ko * Ki);
    const auto outer = top_k_weights(tree.logits("outer"), Ko);  // [T, G]
    std::vector<Tensor> expected;
    for (int64_t g = 0; g < kGroups; ++g) {
      expected.push_back(top_k_weights(tree.logits("inner." + std::to_string(g)), Ki) *
                         outer.select(1, g).unsqueeze(1));
    }
    EXPECT_TRUE(near(as_dense(routing, kGroups * kSize), at::cat(expected, 1), 1e-12))
        << Ko << " x " << Ki;
    EXPECT_EQ(routing.stats.live_slots.item<double>(), kTokens * Ko * Ki);
  }
}

TEST(HierarchicalGate, ADenseOuterGateSkipsTheGroupsThatWeighNothing) {
  Tree tree("{kind: relu, k: 1}", "{kind: softmax, load_balancing: 0}");
  const auto routing = tree.forward();
  const auto outer = at::relu(tree.logits("outer"));
  const auto weight = as_dense(routing, kGroups * kSize);
  for (int64_t g = 0; g < kGroups; ++g) {
    EXPECT_TRUE(near(weight.narrow(1, g * kSize, kSize).sum(1), outer.select(1, g), 1e-12));
    EXPECT_EQ(routing.stats.parts[static_cast<size_t>(g) + 1].tokens.item<double>(),
              (outer.select(1, g) > 0).sum().item<double>());
  }
  EXPECT_EQ(routing.live().sum().item<int64_t>(), (outer > 0).sum().item<int64_t>() * kSize);
}

// Two weights of 1e-25 are 0 in float32 with a slope left, which a cotangent of 1e30 would show.
TEST(HierarchicalGate, AProductThatUnderflowsIsFlat) {
  const auto gate = make_gate(parse_gate("{kind: hierarchical, groups: 2, outer: {kind: softmax}, "
                                         "inner: {kind: softmax}}"),
                              {1, 4}, Initializer(1));
  for (const auto& item : gate->named_parameters()) {
    at::NoGradGuard no_grad;
    item.value().copy_(at::tensor({0.f, -57.f}).view({2, 1}));
  }
  TestBatch batch(1, 3, 1, at::kFloat);
  batch.x = at::ones({3, 1});
  const auto weight = gate->forward(batch.input()).weight;  // [3, 4]
  EXPECT_GT(weight[0][2].item<float>(), 0);
  EXPECT_EQ(weight[0][3].item<float>(), 0);
  weight.backward(at::tensor({0.f, 0.f, 0.f, 1e30f}).expand({3, 4}));
  for (const auto& item : gate->named_parameters()) {
    EXPECT_EQ(item.value().grad().abs().max().item<float>(), 0) << item.key();
  }
}

TEST(HierarchicalGate, InnerLossesCountTheTokensOfTheirGroup) {
  Tree tree("{kind: top_k, k: 1, load_balancing: 0.3}",
            "{kind: top_k, k: 1, load_balancing: 0.2, z_loss: 0.1}");
  const auto routing = tree.forward();
  const auto group = tree.logits("outer").argmax(1);  // [T]
  double balance = 0, z = 0;
  for (int64_t g = 0; g < kGroups; ++g) {
    const auto mine = (group == g).nonzero().squeeze(1);
    ASSERT_GT(mine.size(0), 0);
    const auto logits = tree.logits("inner." + std::to_string(g)).index_select(0, mine);
    const auto first = logits.argmax(1, true);
    const OneRank one;
    balance += load_balancing_loss(logits.softmax(1), first, {}, BalanceScope::kWorld, 1, one)
                   .item<double>();
    z += z_loss(logits, {}, one).item<double>();
  }
  ASSERT_EQ(routing.aux.size(), 3u);
  EXPECT_EQ(routing.aux[0].name, "outer.load_balancing");
  EXPECT_DOUBLE_EQ(routing.aux[0].coefficient, 0.3);
  EXPECT_EQ(routing.aux[1].name, "inner.load_balancing");
  EXPECT_DOUBLE_EQ(routing.aux[1].coefficient, 0.2);
  EXPECT_NEAR(routing.aux[1].value.item<double>(), balance / kGroups, 1e-12);
  EXPECT_EQ(routing.aux[2].name, "inner.z_loss");
  EXPECT_NEAR(routing.aux[2].value.item<double>(), z / kGroups, 1e-12);
}

TEST(HierarchicalGate, StateFollowsWhatItsOwnGroupDid) {
  Tree tree("{kind: bias_balanced, k: 2}", "{kind: bias_balanced, k: 1}");
  const auto stats = tree.forward().stats;
  tree.gate->end_step({stats, stats});
  const auto load = stats.tokens_per_expert.view({kGroups, kSize});  // [G, n]
  const auto step = [](const Tensor& counts) { return (counts.mean() - counts).sign() * 1e-3; };
  EXPECT_TRUE(near(tree.buffer("outer.bias"), step(load.sum(1)), 1e-9));  // k = 1 inside
  for (int64_t g = 0; g < kGroups; ++g) {
    EXPECT_TRUE(near(tree.buffer("inner." + std::to_string(g) + ".bias"), step(load[g]), 1e-9))
        << g;
  }
}

TEST(HierarchicalGate, GroupsShareWhatLayersOfAKindShare) {
  Tree tree("{kind: top_k, k: 1}", "{kind: relu, k: 1}");
  for (const auto& item : tree.gate->named_buffers()) item.value().fill_(1e-4);
  auto stats = tree.forward().stats;
  ASSERT_EQ(stats.parts.size(), 4u);
  // One group alone is dense; added up, tokens have less than one slot.
  for (int64_t g = 0; g < kGroups; ++g) {
    stats.parts[static_cast<size_t>(g) + 1].tokens = at::full({}, 10., at::kDouble);
    stats.parts[static_cast<size_t>(g) + 1].live_slots =
        at::full({}, g == 0 ? 20. : 1., at::kDouble);
  }
  tree.gate->end_step({stats, stats});
  for (int64_t g = 0; g < kGroups; ++g) {
    EXPECT_FLOAT_EQ(tree.buffer("inner." + std::to_string(g) + ".lambda").item<float>(),
                    1e-4f / 1.2f);
  }
}

TEST(HierarchicalGate, StatisticsOfPartsAddUpWhereTheyAreAlike) {
  Tree tree("{kind: top_k, k: 1}", "{kind: top_k, k: 1}");
  const auto once = tree.forward().stats;
  GateStats sum;
  sum += once;
  sum += once;
  ASSERT_EQ(sum.parts.size(), 4u);
  EXPECT_TRUE(near(sum.parts[2].tokens_per_expert, 2 * once.parts[2].tokens_per_expert, 0));
  const auto other = make_gate(parse_gate("{kind: hierarchical, groups: 2}"),
                               {kWidth, kGroups * kSize}, Initializer(4, at::kDouble));
  sum += other->forward(tree.batch.input()).stats;  // another layer of this kind
  EXPECT_TRUE(sum.parts.empty());
  EXPECT_EQ(sum.tokens.item<double>(), 3 * kTokens);
}

TEST(HierarchicalGate, EveryPartDrawsNoiseOfItsOwn) {
  Tree tree("{kind: top_k, k: 3, jitter: 0.5}", "{kind: top_k, k: 2, jitter: 0.5}");
  {
    at::NoGradGuard no_grad;  // the same gate in every group: only noise tells them apart
    for (const char* other : {"inner.1.weight", "inner.2.weight"}) {
      tree.parameter(other).copy_(tree.parameter("inner.0.weight"));
    }
  }
  const auto share = [&] {
    const auto weight = as_dense(tree.forward(), kGroups * kSize).view({kTokens, kGroups, kSize});
    return weight / weight.sum(2, true);  // [T, G, n]
  };
  const auto noisy = share();
  EXPECT_FALSE(near(noisy.select(1, 0), noisy.select(1, 1), 1e-3));
  EXPECT_FALSE(near(noisy.select(1, 1), noisy.select(1, 2), 1e-3));
  tree.batch.context.training = false;
  const auto clear = share();
  EXPECT_TRUE(near(clear.select(1, 0), clear.select(1, 1), 1e-12));
}

TEST(HierarchicalGate, FiguresAndDropsOfBothLevelsAreShown) {
  Tree tree("{kind: bias_balanced, k: 2}", "{kind: bias_balanced, k: 1}");
  const auto gate = tree.forward().stats.gate;
  ASSERT_EQ(gate.size(), 2u);
  EXPECT_EQ(gate.at("outer.bias_spread").count.item<double>(), 1);
  EXPECT_EQ(gate.at("inner.bias_spread").count.item<double>(), kGroups);

  // 24 tokens x 1 x 0.5 / 3 groups = 4 tokens a group; a dropped group loses both of its slots.
  Tree full("{kind: top_k, k: 1, capacity_factor: 0.5}", "{kind: top_k, k: 2}");
  const auto stats = full.forward().stats;
  EXPECT_GT(stats.dropped_slots.item<double>(), 0);
  EXPECT_EQ(stats.dropped_slots.item<double>() + stats.live_slots.item<double>(), 2 * kTokens);

  // A gate that looks at all experts of a group still aims at one.
  Tree relu("{kind: top_k, k: 1, capacity_factor: 0.5}", "{kind: relu, k: 1}");
  const auto of_relu = relu.forward().stats;
  EXPECT_EQ(of_relu.dropped_slots.item<double>(), of_relu.parts[0].dropped_slots.item<double>());
}

// 24 tokens, of which a group gets 2 / 3, over its 2 experts: not 24 x 1.5 / 2 = 18.
TEST(HierarchicalGate, InnerCapacityCountsTheTokensOfAGroup) {
  Tree tree("{kind: top_k, k: 2}", "{kind: top_k, k: 1, capacity_factor: 1.5}");
  const auto capacity = tree.forward().stats.gate.at("inner.capacity");
  EXPECT_EQ(capacity.sum.item<double>() / capacity.count.item<double>(), 12);
}

// The share of x itself below a weight: y_i = sum_j f_ij + s_i x, so y has sum_i outer_i s_i x.
TEST(HierarchicalGate, PassesTheIdentityShareOn) {
  Tree tree("{kind: top_k, k: 2}", "{kind: base}");
  tree.batch.context.training = false;
  const auto routing = tree.forward();
  ASSERT_TRUE(routing.identity_weight.defined());
  // An inner token's weights and share sum to 1, and so do the outer gate's weights.
  EXPECT_TRUE(near(routing.weight.sum(1) + routing.identity_weight,
                   at::ones({kTokens}, at::kDouble), 1e-12));
  EXPECT_GT(routing.identity_weight.min().item<double>(), 0);
}

TEST(HierarchicalConfig, ChecksBothLevels) {
  EXPECT_EQ(broken_rule("{kind: hierarchical, groups: 3}", 8),
            "gate.groups: must divide experts (8), found 3");
  EXPECT_EQ(broken_rule("{kind: hierarchical, groups: 16}", 8),
            "gate.groups: must divide experts (8), found 16");
  EXPECT_EQ(broken_rule("{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 3}}", 8),
            "gate.outer.k: must be at most groups (2), found 3");
  EXPECT_EQ(broken_rule("{kind: hierarchical, groups: 4, inner: {kind: top_k, k: 3}}", 8),
            "gate.inner.k: must be at most experts / groups (2), found 3");
  EXPECT_EQ(
      broken_rule("{kind: hierarchical, groups: 2, inner: {kind: bias_balanced, groups: 3}}", 8),
      "gate.inner.groups: must divide experts (4), found 3");
  EXPECT_EQ(broken_rule("{kind: hierarchical, groups: 4}", 8), "");
}

TEST(HierarchicalConfig, HasTwoLevelsAndNotMore) {
  const auto text = message_of<ConfigError>(
      [] { parse_gate("{kind: hierarchical, outer: {kind: hierarchical}}"); });
  EXPECT_NE(text.find("gate.outer.kind: expected "), std::string::npos) << text;
  EXPECT_NE(text.find("found 'hierarchical'"), std::string::npos) << text;
}

TEST(HierarchicalConfig, IsWhatItsLevelsAre) {
  const auto choice = parse_gate(
      "{kind: hierarchical, groups: 2, outer: {kind: relu, k: 1}, inner: {kind: bias_balanced, k: "
      "3}}");
  const auto& config = gate_config(choice);
  EXPECT_EQ(config.slots(8), 3);
  EXPECT_EQ(config.first_slots(8), 3);
  EXPECT_EQ(config.about().losses,
            (std::vector<std::string>{"outer.l1", "inner.sequence_balance"}));
  EXPECT_EQ(config.about().state,
            (std::vector<std::string>{"outer.lambda", "inner.0.bias", "inner.1.bias"}));
  EXPECT_TRUE(config.causal());
  for (const std::string level : {"outer", "inner"}) {
    EXPECT_FALSE(
        gate_config(parse_gate("{kind: hierarchical, " + level +
                               ": {kind: top_k, capacity_factor: 1, capacity_order: choice}}"))
            .causal());
  }
  EXPECT_DOUBLE_EQ(config.flops_per_token(16, 8), 2 * 16 * 2 + 2 * (2 * 16 * 4));
}

}  // namespace
}  // namespace moe
