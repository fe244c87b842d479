// DSelect-k's static gate: the published numbers, and one choice for all tokens.
#include <gtest/gtest.h>

#include <cmath>

#include "gates/dselect_k_gate.h"
#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/plain_selectors.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble); }

// With Z and alpha as published, gamma 1, and the whole entropy coefficient from the first step on.
std::shared_ptr<Gate> static_gate(const Tensor& Z, int64_t E, const std::string& entropy = "1") {
  auto gate = make_gate(parse_gate("{kind: dselect_k_static, k: 2, "
                                   "entropy_from: 0, entropy_until: 0, entropy: " + entropy + "}"),
                        {3, E}, Initializer(1, at::kDouble));
  at::NoGradGuard no_grad;
  gate->named_parameters()["bit_logits"].copy_(Z.flatten());
  gate->named_parameters()["mix_logits"].copy_(golden_tensor("dsk static w"));
  return gate;
}

Tensor picks(const Tensor& Z, int64_t E) { return selectors(smooth_bits(Z, 1), expert_codes(E)); }

TEST(DSelectKStatic, HasThePublishedNumbers) {
  const TestBatch batch(1, 5, 3, at::kDouble);
  const auto four = golden_tensor("dsk static n=4 k=2 Z");
  EXPECT_TRUE(near(picks(four, 4), golden_tensor("dsk static selectors"), 1e-14));
  auto routing = static_gate(four, 4)->forward(batch.input());
  EXPECT_TRUE(near(routing.weight, golden_tensor("dsk static weights").expand({5, 4}), 1e-14));
  ASSERT_EQ(routing.aux.size(), 1u) << "every code has an expert";
  // Published as the sum over selectors of the one choice: tokens do not count.
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("dsk static entropy(sum, eps 1e-6)"), 1e-13));

  const auto six = golden_tensor("dsk static n=6 k=2 Z");
  EXPECT_TRUE(near(picks(six, 6), golden_tensor("dsk n=6 selectors"), 1e-14));
  routing = static_gate(six, 6)->forward(batch.input());
  EXPECT_TRUE(near(routing.weight, golden_tensor("dsk n=6 weights").expand({5, 6}), 1e-14));
  EXPECT_TRUE(near(routing.aux.at(0).value, golden_tensor("dsk n=6 entropy"), 1e-13));
  // The gate guards 1/0 with 1e-6, which the published penalty has not.
  EXPECT_TRUE(near(reciprocal_reach(picks(six, 6), 0).sum(),
                   golden_tensor("dsk n=6 reciprocal penalty"), 1e-11));
  EXPECT_TRUE(near(routing.aux.at(1).value, golden_tensor("dsk n=6 reciprocal penalty"), 1e-3));

  const auto decided = row({.6, -.7, -.55, .9}).view({2, 2});
  EXPECT_TRUE(near(picks(decided, 4), golden_tensor("dsk converged (|z|>=.5) selectors"), 0));
  routing = static_gate(decided, 4)->forward(batch.input());
  EXPECT_TRUE(near(routing.aux[0].value,
                   golden_tensor("dsk converged entropy (eps => ~ -k*1e-6)"), 1e-15));
  EXPECT_EQ(routing.stats.live_slots.item<double>(), 2 * 5);
}

TEST(DSelectKStatic, HasThePublishedGradientsFromAnyNumberOfTokens) {
  const TestBatch batch(1, 5, 3, at::kDouble);
  for (const auto& [lambda, key] : {std::pair{"0", "lam=0.0"}, {"0.1", "lam=0.1"}}) {
    const auto gate = static_gate(golden_tensor("dsk static n=4 k=2 Z"), 4, lambda);
    const auto routing = gate->forward(batch.input());
    // The mean over tokens of the published loss.
    auto loss = (row({.3, -.7, 1.1, .2}) * routing.weight).sum() / 5;
    for (const auto& aux : routing.aux) loss = loss + aux.value * aux.coefficient;
    loss.backward();
    const auto p = gate->named_parameters();
    EXPECT_TRUE(near(p["bit_logits"].grad().view({2, -1}),
                     golden_tensor(std::string("dsk grad Z ") + key + " c=[.3,-.7,1.1,.2]"), 2e-8));
    EXPECT_TRUE(near(p["mix_logits"].grad(), golden_tensor(std::string("dsk grad w ") + key), 2e-8));
  }
}

TEST(DSelectKStatic, ChoosesWithoutTheTokenAndCostsNothingPerToken) {
  const auto choice = parse_gate("{kind: dselect_k_static, k: 2}");
  const auto gate = make_gate(choice, {8, 6}, Initializer(1));
  const auto names = gate->named_parameters();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names["bit_logits"].sizes(), at::IntArrayRef{2 * 3});
  EXPECT_EQ(names["mix_logits"].sizes(), at::IntArrayRef{2});
  // As published: +-gamma / 100 and +-0.05, whatever the width.
  EXPECT_LE(names["bit_logits"].abs().max().item<double>(), 1.0 / 100);
  EXPECT_GT(names["bit_logits"].abs().max().item<double>(), 1.0 / 100 / std::sqrt(8.0));
  EXPECT_LE(names["mix_logits"].abs().max().item<double>(), 0.05);
  EXPECT_EQ(gate_config(choice).flops_per_token(1024, 6), 0);
  TestBatch batch(1, 4, 8, at::kFloat);
  const auto before = gate->forward(batch.input()).weight;
  batch.x = batch.x * -100;
  EXPECT_TRUE(bitwise_equal(gate->forward(batch.input()).weight, before));
  EXPECT_TRUE(bitwise_equal(before[0], before[3]));
}

}  // namespace
}  // namespace moe
