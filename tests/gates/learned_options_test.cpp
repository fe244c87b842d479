// The options that all learned gates share: input jitter, expert dropout, initial scale.
#include "gates/learned_options.h"

#include <gtest/gtest.h>

#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

constexpr int64_t kDrawn = 16;

LearnedOptions options_of(double jitter, double expert_dropout) {
  LearnedOptions options;
  options.jitter = jitter;
  options.expert_dropout = expert_dropout;
  return options;
}

TEST(LearnedOptions, JitterStaysInItsRangeAndFillsIt) {
  TestBatch batch(4, 256, 8, at::kFloat);
  batch.x = at::full_like(batch.x, 2);
  const auto factor = gate_features(options_of(0.3, 0), batch.input()) / 2;  // [T, D]
  EXPECT_GE(factor.min().item<double>(), 0.7 - 1e-6);
  EXPECT_LE(factor.max().item<double>(), 1.3 + 1e-6);
  EXPECT_LT(factor.min().item<double>(), 0.71);
  EXPECT_GT(factor.max().item<double>(), 1.29);
  EXPECT_NEAR(factor.mean().item<double>(), 1, 0.01);
  EXPECT_NEAR(factor.var().item<double>(), 0.3 * 0.3 / 3, 0.002);  // of a uniform one
  EXPECT_TRUE(bitwise_equal(factor, gate_features(options_of(0.3, 0), batch.input()) / 2));
}

TEST(LearnedOptions, DropoutLeavesOutItsShareAndNeverTheLastK) {
  const TestBatch batch(4, 512, 8, at::kFloat);
  for (const double share : {0.1, 0.5, 0.99}) {
    for (const int64_t k : {int64_t{1}, int64_t{4}, kDrawn}) {
      const auto dropped = dropped_experts(options_of(0, share), batch.input(), kDrawn, k);
      const auto left = dropped.logical_not().sum(1);  // [T]
      EXPECT_GE(left.min().item<int64_t>(), k) << share;
      const double found = dropped.to(at::kDouble).mean().item<double>();
      EXPECT_LE(found, share + 0.01);
      if (k == 1 && share < 0.9) {
        EXPECT_NEAR(found, share, 0.01);
      }
      const auto by_expert = dropped.to(at::kDouble).mean(0);  // [E]
      EXPECT_LT((by_expert.max() - by_expert.min()).item<double>(), 0.12)
          << "no expert is favoured";
    }
  }
}

TEST(LearnedOptions, AreOffInEvaluationAndByDefault) {
  TestBatch batch(1, 8, 4, at::kFloat);
  EXPECT_TRUE(bitwise_equal(gate_features({}, batch.input()), batch.x));
  EXPECT_FALSE(dropped_experts({}, batch.input(), kDrawn, 1).defined());
  batch.context.training = false;
  EXPECT_TRUE(bitwise_equal(gate_features(options_of(0.3, 0.5), batch.input()), batch.x));
  EXPECT_FALSE(dropped_experts(options_of(0.3, 0.5), batch.input(), kDrawn, 1).defined());
}

struct OptionCase {
  const char* name;
  const char* yaml;   // without the option, and the brace that closes it
  bool renormalized;  // a token's weights sum to the same with dropout

  // What a test's name shows.
  friend std::ostream& operator<<(std::ostream& out, const OptionCase& test) {
    return out << test.name;
  }
};

class LearnedOptionsOfGate : public testing::TestWithParam<OptionCase> {
 protected:
  std::shared_ptr<Gate> gate(const std::string& option) {
    const auto made = make_gate(parse_gate(std::string(GetParam().yaml) + option + "}"),
                                {8, kDrawn}, Initializer(1));
    spread_parameters(*made, 1);
    return made;
  }
  Routing forward(const std::string& option) { return gate(option)->forward(batch_.input()); }

  TestBatch batch_{2, 64, 8, at::kFloat};
};

// Weights [T, E] of slots [T, K].
Tensor by_expert(const Routing& routing) {
  return at::zeros({routing.expert.size(0), kDrawn}, routing.weight.options())
      .scatter_add(1, routing.expert.clamp_min(0), routing.weight)
      .detach();
}

TEST_P(LearnedOptionsOfGate, DroppedExpertsWeighNothingAndTheRestStays) {
  const auto gate = this->gate(", expert_dropout: 0.5");
  const auto routing = gate->forward(batch_.input());
  const auto weight = by_expert(routing);
  const auto k = gate_config(parse_gate(std::string(GetParam().yaml) + "}")).slots(kDrawn);
  // Softmax, a dense mixture, keeps at least one.
  const auto dropped =
      dropped_experts(options_of(0, 0.5), batch_.input(), kDrawn, k == kDrawn ? 1 : k);  // [T, E]
  const auto plain = by_expert(forward(""));
  const auto untouched = (plain * dropped).sum(1) == 0;  // no expert of the token was left out
  const auto lost = weight * dropped * (plain * dropped.logical_not()).sum(1, true).gt(0);
  EXPECT_EQ(lost.abs().max().item<double>(), 0);
  EXPECT_FALSE(bitwise_equal(weight, plain));
  if (std::string(GetParam().name) != "softmax") {
    EXPECT_GT(untouched.sum().item<int64_t>(), 0);
    EXPECT_TRUE(near(weight * untouched.unsqueeze(1), plain * untouched.unsqueeze(1), 1e-5));
  }
  if (GetParam().renormalized) {
    EXPECT_TRUE(near(weight.sum(1), plain.sum(1), 1e-5));
  }
  EXPECT_TRUE(bitwise_equal(gate->forward(batch_.input()).weight, routing.weight)) << "recomputed";
}

TEST_P(LearnedOptionsOfGate, NoiseFollowsTheStepAndIsOffInEvaluation) {
  for (const std::string option : {", jitter: 0.3", ", expert_dropout: 0.4"}) {
    const auto gate = this->gate(option);
    const auto now = by_expert(gate->forward(batch_.input()));
    batch_.context.noise.step = 1;
    EXPECT_FALSE(bitwise_equal(by_expert(gate->forward(batch_.input())), now)) << option;
    batch_.context.noise.step = 0;
    batch_.context.training = false;
    const auto evaluated = by_expert(gate->forward(batch_.input()));
    EXPECT_TRUE(bitwise_equal(evaluated, by_expert(forward("")))) << option;
    batch_.context.training = true;
  }
}

TEST_P(LearnedOptionsOfGate, InitialScaleScalesTheFirstWeights) {
  const auto made = [&](const std::string& option) {
    return make_gate(parse_gate(GetParam().yaml + option + "}"), {8, kDrawn}, Initializer(1));
  };
  const auto one = made(", init_scale: 1"), half = made(", init_scale: 0.5");
  for (const auto& item : one->named_parameters()) {
    EXPECT_GT(item.value().abs().max().item<double>(), 0);
    EXPECT_TRUE(near(half->named_parameters()[item.key()] * 2, item.value(), 1e-6)) << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Gates, LearnedOptionsOfGate,
    testing::Values(OptionCase{"top_k", "{kind: top_k, k: 2", true},
                    OptionCase{"softmax", "{kind: softmax", true},
                    OptionCase{"dselect_k", "{kind: dselect_k, k: 2, gamma: 4", true},
                    OptionCase{"bias_balanced", "{kind: bias_balanced, k: 2", true},
                    OptionCase{"relu", "{kind: relu, k: 2", false}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe
