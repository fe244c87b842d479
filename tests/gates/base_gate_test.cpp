#include "gates/base_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "gates/balanced_assignment.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor random_scores(int64_t N, int64_t E, uint64_t seed) {
  return Initializer(seed, at::kDouble).normal("scores", {N, E}, 1);
}

std::vector<int64_t> loads(const std::vector<int64_t>& chosen, int64_t E) {
  std::vector<int64_t> load(static_cast<size_t>(E));
  for (const auto e : chosen) ++load.at(static_cast<size_t>(e));
  return load;
}

double value(const Tensor& scores, const std::vector<int64_t>& chosen) {
  return scores.gather(1, longs(chosen).unsqueeze(1)).sum().item<double>();
}

// The best of all assignments in which no expert has more than ceil(N / E), by trying them all.
double best_value(const Tensor& scores) {
  const int64_t N = scores.size(0), E = scores.size(1), most = (N + E - 1) / E;
  std::vector<int64_t> load(static_cast<size_t>(E));
  std::function<double(int64_t)> best = [&](int64_t token) -> double {
    if (token == N) return 0;
    double found = -std::numeric_limits<double>::infinity();
    for (int64_t e = 0; e < E; ++e) {
      auto& mine = load[static_cast<size_t>(e)];
      if (mine == most) continue;
      ++mine;
      found = std::max(found, scores[token][e].item<double>() + best(token + 1));
      --mine;
    }
    return found;
  };
  return best(0);
}

TEST(BalancedAssignment, FindsThePublishedOne) {
  const auto scores = golden_tensor("logits");
  const auto chosen = balanced_assignment(scores);
  EXPECT_EQ(chosen, (std::vector<int64_t>{0, 1, 1, 2, 3, 2, 0, 3}));
  EXPECT_NEAR(value(scores, chosen), golden().at("optimal value").get<double>(), 1e-12);
}

TEST(BalancedAssignment, IsBalancedAndNearlyTheBest) {
  int64_t exact = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (const auto& [N, E] : {std::pair{6, 3}, {7, 3}, {5, 4}, {3, 4}, {6, 2}}) {
      const auto scores = random_scores(N, E, seed);
      const auto chosen = balanced_assignment(scores);
      const auto load = loads(chosen, E);
      EXPECT_LE(*std::max_element(load.begin(), load.end()), (N + E - 1) / E);
      const auto range = (scores.amax(1) - scores.amin(1)).max().item<double>();
      const double lost = best_value(scores) - value(scores, chosen);
      EXPECT_LE(lost, N * range / 50 + 1e-9) << N << " tokens, " << E << " experts, seed " << seed;
      exact += lost < 1e-9;
    }
  }
  EXPECT_GT(exact, 80);  // of 100
}

TEST(BalancedAssignment, TiesEndAndRepeat) {
  for (const double all : {0.0, 3.0, 1e20, -1e300}) {
    const auto scores = at::full({10, 4}, all, at::kDouble);
    const auto chosen = balanced_assignment(scores);
    auto load = loads(chosen, 4);
    std::sort(load.begin(), load.end());
    EXPECT_LE(load.back(), 3) << all;
    EXPECT_EQ(chosen, balanced_assignment(scores));
  }
  // All want the same one: the tokens that want it most get it.
  auto scores = at::zeros({6, 3}, at::kDouble);
  scores.select(1, 1).copy_(at::tensor({1., 6., 2., 5., 3., 4.}, at::kDouble));
  const auto chosen = balanced_assignment(scores);
  EXPECT_EQ(chosen[1], 1);
  EXPECT_EQ(chosen[3], 1);
}

TEST(BalancedAssignment, LargeOnesEndInTime) {
  const auto scores = random_scores(4096, 16, 1) + random_scores(1, 16, 2) * 5;  // nearly all want one
  const auto chosen = balanced_assignment(scores);
  EXPECT_EQ(loads(chosen, 16), std::vector<int64_t>(16, 256));
}

TEST(BalancedAssignment, WhatIsNotFiniteGivesRoundRobin) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    auto scores = random_scores(5, 3, 1);
    scores[2][1] = bad;
    EXPECT_EQ(balanced_assignment(scores), (std::vector<int64_t>{0, 1, 2, 0, 1})) << bad;
  }
  EXPECT_EQ(balanced_assignment(random_scores(3, 1, 1)), (std::vector<int64_t>{0, 0, 0}));
  EXPECT_TRUE(balanced_assignment(random_scores(0, 4, 1)).empty());
}

struct BaseTable {
  TestBatch batch{1, 8, 4, at::kDouble};
  std::shared_ptr<Gate> gate;

  explicit BaseTable(const std::string& yaml = "base") {
    gate = make_gate(parse_gate(yaml), {4, 4}, Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    gate->named_parameters()["centroids"].copy_(at::eye(4, at::kDouble));
    batch.x = golden_tensor("logits");
  }
  Routing forward() { return gate->forward(batch.input()); }
};

TEST(BaseGate, MixesTheAssignedExpertWithTheTokenItself) {
  BaseTable table;
  const auto training = table.forward();
  EXPECT_TRUE(near(training.expert.squeeze(1), longs({0, 1, 1, 2, 3, 2, 0, 3}), 0));
  EXPECT_TRUE(near(training.weight, table.batch.x.gather(1, training.expert).sigmoid(), 1e-12));
  EXPECT_TRUE(near(training.weight.squeeze(1) + training.identity_weight,
                   at::ones({8}, at::kDouble), 1e-12));
  EXPECT_EQ(training.host_syncs, 1);
  table.batch.context.training = false;
  const auto evaluation = table.forward();
  EXPECT_TRUE(near(evaluation.expert.squeeze(1), golden_tensor("top1"), 0));
  EXPECT_EQ(evaluation.host_syncs, 0);
}

// The token's share is the only way to the centroids: d a / d w_e = a (1 - a) x, for its expert alone.
TEST(BaseGate, CentroidsLearnFromTheShare) {
  BaseTable table;
  const auto routing = table.forward();
  (routing.weight[2].sum() * 3 + routing.identity_weight[2]).backward();
  const auto a = routing.weight[2].detach();
  auto expected = at::zeros({4, 4}, at::kDouble);
  expected[1] = (3 - 1) * a * (1 - a) * table.batch.x[2];
  EXPECT_TRUE(near(table.gate->named_parameters()["centroids"].grad(), expected, 1e-12));
}

TEST(BaseGate, PaddingIsNotAssigned) {
  BaseTable table;
  table.batch.context.valid = at::tensor({1, 0, 1, 1, 0, 1, 0, 0}, at::kInt).to(at::kBool).view({1, 8});
  const auto routing = table.forward();
  const auto padding = table.batch.context.valid.reshape({-1}).logical_not();
  EXPECT_TRUE((routing.expert.squeeze(1) == kEmpty).equal(padding));
  EXPECT_EQ(routing.identity_weight.masked_select(padding).max().item<double>(), 0);
  EXPECT_TRUE(near(routing.stats.tokens_per_expert, at::ones({4}, at::kDouble), 0));  // 4 tokens
}

TEST(BaseGate, LeftOutExpertsArePassedOverWhereBalanceAllows) {
  BaseTable plain, table("{kind: base, expert_dropout: 0.5}");
  const auto routing = table.forward();
  EXPECT_TRUE(near(routing.stats.tokens_per_expert, at::full({4}, 2.0, at::kDouble), 0));
  EXPECT_FALSE(routing.expert.equal(plain.forward().expert));
}

TEST(BaseGate, BeginsWithOrthogonalCentroids) {
  const auto gate = make_gate(parse_gate("base"), {16, 6}, Initializer(1, at::kDouble));
  const auto centroids = gate->named_parameters()["centroids"];
  EXPECT_TRUE(near(at::mm(centroids, centroids.t()), at::eye(6, at::kDouble) * 0.01, 1e-14));
  const Initializer init(1, at::kDouble);
  const auto tall = init.orthogonal("w", {9, 3}, 2);
  EXPECT_TRUE(near(at::mm(tall.t(), tall), at::eye(3, at::kDouble) * 4, 1e-12));
  EXPECT_FALSE(near(tall, init.orthogonal("v", {9, 3}, 2), 0.1));
}

}  // namespace
}  // namespace moe
