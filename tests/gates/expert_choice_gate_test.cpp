#include "gates/expert_choice_gate.h"

#include <gtest/gtest.h>

#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

// A gate whose logits are the golden table: x holds them, and the weight is the identity.
struct ChosenTable {
  TestBatch batch{1, 8, 4, at::kDouble};
  std::shared_ptr<Gate> gate;

  // k = 1: an expert takes ceil(8 * 1 / 4) = 2 tokens.
  explicit ChosenTable(const std::string& options = "") {
    gate = make_gate(parse_gate("{kind: expert_choice, k: 1" + options + "}"), {4, 4},
                     Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].copy_(at::eye(4, at::kDouble));
    batch.x = golden_tensor("logits");
  }
  Routing forward() { return gate->forward(batch.input()); }
};

// [8, 4]: the golden list of every expert's tokens and weights as a table of tokens by experts.
Tensor table_of(const std::string& tokens, const std::string& weights) {
  return at::zeros({8, 4}, at::kDouble)
      .scatter_(0, golden_tensor(tokens).to(at::kLong).t(), golden_tensor(weights).t());
}

TEST(ExpertChoiceGate, ExpertsTakeTheirBestTokens) {
  const auto routing = ChosenTable().forward();
  const auto expected = table_of("expert-choice (softmax over experts) token idx per expert, C=2",
                                 "expert-choice gates");
  EXPECT_TRUE(near(routing.weight, expected, 1e-12));
  const auto slot = at::arange(4, at::kLong).expand({8, 4});
  EXPECT_TRUE(near(routing.expert, at::where(expected > 0, slot, at::full({}, kEmpty, at::kLong)), 0));
  EXPECT_TRUE(near(routing.stats.tokens_per_expert, at::full({4}, 2.0, at::kDouble), 0));
  EXPECT_EQ(routing.stats.empty_tokens.item<double>(), 1);  // token 1
  EXPECT_TRUE(routing.aux.empty());
}

TEST(ExpertChoiceGate, OverTokensIsMeshTensorflows) {
  const auto routing = ChosenTable(", over: tokens").forward();
  EXPECT_TRUE(near(routing.weight,
                   table_of("mtf expert_selection (softmax over tokens) idx",
                            "mtf expert_selection combine (/experts-per-token)"),
                   1e-12));
}

TEST(ExpertChoiceGate, EveryGroupChoosesByItself) {
  for (const std::string over : {"experts", "tokens"}) {
    ChosenTable all(", group_tokens: 3, over: " + over);
    const auto found = all.forward();
    // 3, 3 and 2 tokens, of which every expert takes ceil(3 / 4) = ceil(2 / 4) = 1.
    for (const auto& [first, size] : {std::pair{0, 3}, {3, 3}, {6, 2}}) {
      ChosenTable part(", over: " + over);
      part.batch = TestBatch(1, size, 4, at::kDouble);
      part.batch.x = all.batch.x.narrow(0, first, size);
      const auto expected = part.forward();
      EXPECT_TRUE(near(found.weight.narrow(0, first, size), expected.weight, 1e-12)) << first;
      EXPECT_TRUE(near(found.expert.narrow(0, first, size), expected.expert, 0)) << first;
      EXPECT_EQ(expected.stats.live_slots.item<double>(), 4);
    }
  }
}

TEST(ExpertChoiceGate, CapacityCountsTheTokensThatAreThere) {
  ChosenTable table;
  table.batch.context.valid = at::ones({1, 8}, at::kBool);
  table.batch.context.valid[0].narrow(0, 4, 4).fill_(false);
  const auto routing = table.forward();
  EXPECT_TRUE(near(routing.stats.tokens_per_expert, at::full({4}, 1.0, at::kDouble), 0));
  EXPECT_EQ(routing.stats.tokens.item<double>(), 4);
  ChosenTable alone;
  alone.batch = TestBatch(1, 4, 4, at::kDouble);
  alone.batch.x = table.batch.x.narrow(0, 0, 4);
  EXPECT_TRUE(near(routing.weight.narrow(0, 0, 4), alone.forward().weight, 1e-12));
}

// A group without a single token has no softmax over tokens; its slope must not be NaN.
TEST(ExpertChoiceGate, AGroupOfPaddingIsHarmless) {
  ChosenTable table(", group_tokens: 4, over: tokens");
  table.batch.context.valid = at::ones({1, 8}, at::kBool);
  table.batch.context.valid[0].narrow(0, 4, 4).fill_(false);
  table.batch.x.requires_grad_(true);
  const auto routing = table.forward();
  routing.weight.sum().backward();
  EXPECT_TRUE(table.batch.x.grad().isfinite().all().item<bool>());
  EXPECT_GT(table.batch.x.grad().abs().max().item<double>(), 0);
}

TEST(ExpertChoiceGate, EqualScoresGoToTheEarlierToken) {
  const auto open = at::ones({1, 6, 2}, at::kBool);
  const auto taken =
      taken_by_experts(at::zeros({1, 6, 2}), open, longs({2}).view({1, 1, 1}));
  EXPECT_TRUE(near(taken.sum(2), longs({2, 2, 0, 0, 0, 0}).view({1, 6}), 0));
}

// Where few tokens may be taken, an expert stays below its capacity.
TEST(ExpertChoiceGate, ShutTokensAreNeverTaken) {
  const auto open = (at::arange(6, at::kLong) == 4).view({1, 6, 1}).expand({1, 6, 2});
  const auto taken = taken_by_experts(at::rand({1, 6, 2}), open, longs({2}).view({1, 1, 1}));
  EXPECT_TRUE(taken.equal(open));
}

TEST(ExpertChoiceGate, EvaluationChoosesByTheSameRule) {
  ChosenTable table;
  const auto training = table.forward();
  table.batch.context.training = false;
  EXPECT_TRUE(bitwise_equal(training.weight, table.forward().weight));
  EXPECT_FALSE(gate_config(parse_gate("expert_choice")).causal());
  EXPECT_EQ(gate_config(parse_gate("expert_choice")).slots(8), 2);
}

}  // namespace
}  // namespace moe
