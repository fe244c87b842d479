#include "gates/sinkhorn_gate.h"

#include <gtest/gtest.h>

#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

const OneRank kOneRank;

Balanced balanced(const Tensor& logits, int64_t iterations = 50, const Tensor& valid = {}) {
  return sinkhorn(logits, valid, kOneRank, iterations, 1e-4);
}

std::pair<std::shared_ptr<Gate>, TestBatch> table_gate(const std::string& yaml) {
  auto gate = make_gate(parse_gate(yaml), {4, 4}, Initializer(1, at::kDouble));
  at::NoGradGuard no_grad;
  gate->named_parameters()["weight"].copy_(at::eye(4, at::kDouble));
  TestBatch batch(1, 8, 4, at::kDouble);
  batch.x = golden_tensor("logits");
  return {gate, batch};
}

TEST(Sinkhorn, ScalesToThePublishedMatrix) {
  const auto found = balanced(golden_tensor("logits"));
  EXPECT_EQ(found.iterations.item<double>(), golden().at("sinkhorn iters").get<double>());
  // The published form takes no maximum off, so its 1e-8 weighs a little less.
  EXPECT_TRUE(near(found.matrix, golden_tensor("sinkhorn matrix"), 1e-8));
  const auto& sums = golden().at("sinkhorn row/col sums");
  EXPECT_TRUE(near(found.matrix.sum(1), at::tensor(sums[0].get<std::vector<double>>(), at::kDouble), 1e-7));
  EXPECT_TRUE(near(found.matrix.sum(0), at::tensor(sums[1].get<std::vector<double>>(), at::kDouble), 1e-7));
}

TEST(Sinkhorn, HugeLogitsDoNotOverflow) {
  const auto logits = golden_tensor("logits");
  const auto shift = at::arange(8, at::kDouble).unsqueeze(1) * 1000;
  EXPECT_TRUE(near(balanced(logits + shift).matrix, balanced(logits).matrix, 1e-9));
  const auto steep = balanced((logits * 1e4).to(at::kFloat)).matrix;
  EXPECT_TRUE(steep.isfinite().all().item<bool>());
}

TEST(Sinkhorn, StopsAtTheCapOfIterations) {
  const auto three = balanced(golden_tensor("logits"), 3);
  EXPECT_EQ(three.iterations.item<double>(), 3);
  EXPECT_FALSE(near(three.matrix, golden_tensor("sinkhorn matrix"), 1e-4));
  const auto none = sinkhorn(golden_tensor("logits"), {}, kOneRank, 20, 0);
  EXPECT_EQ(none.iterations.item<double>(), 20);
}

TEST(Sinkhorn, PaddingTakesNoPart) {
  const auto logits = golden_tensor("logits");
  const auto padded = at::cat({logits, at::full({3, 4}, 50.0, at::kDouble)});
  const auto valid = at::arange(11, at::kLong) < 8;
  const auto found = balanced(padded, 50, valid);
  EXPECT_TRUE(near(found.matrix.narrow(0, 0, 8), balanced(logits).matrix, 1e-14));
  EXPECT_EQ(found.matrix.narrow(0, 8, 3).abs().max().item<double>(), 0);
}

TEST(SinkhornGate, TrainingIsBalancedAndEvaluationTakesTheLargest) {
  auto [gate, batch] = table_gate("sinkhorn");
  const auto training = gate->forward(batch.input());
  EXPECT_TRUE(near(training.expert.squeeze(1), golden_tensor("sinkhorn top1"), 0));
  EXPECT_TRUE(near(training.weight, batch.x.sigmoid().gather(1, training.expert), 1e-12));
  EXPECT_TRUE(near(training.stats.tokens_per_expert, at::full({4}, 2.0, at::kDouble), 0));
  EXPECT_EQ(training.stats.gate.at("sinkhorn_iterations").sum.item<double>(), 8);
  batch.context.training = false;
  const auto evaluation = gate->forward(batch.input());
  EXPECT_TRUE(near(evaluation.expert.squeeze(1), golden_tensor("top1"), 0));
  EXPECT_EQ(evaluation.stats.gate.count("sinkhorn_iterations"), 0u);
}

TEST(SinkhornGate, SeveralExpertsWeighByTheSoftmaxOverAll) {
  auto [gate, batch] = table_gate("{kind: sinkhorn, k: 2}");
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.weight, golden_tensor("softmax").gather(1, routing.expert), 1e-12));
  const auto best = balanced(batch.x).matrix.sort(1, true);
  EXPECT_TRUE(near(routing.expert, std::get<1>(best).narrow(1, 0, 2), 0));
}

}  // namespace
}  // namespace moe
