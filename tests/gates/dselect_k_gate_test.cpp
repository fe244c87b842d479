#include "gates/dselect_k_gate.h"

#include <gtest/gtest.h>

#include "tests/support/gates.h"
#include "tests/support/golden.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

Tensor row(std::vector<double> values) { return at::tensor(values, at::kDouble); }

TEST(DSelectK, PerTokenFormHasThePublishedNumbers) {
  const auto gate = make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1, entropy: 1, entropy_from: 0, entropy_until: 0}"), {3, 4}, Initializer(1, at::kDouble));
  {
    at::NoGradGuard no_grad;
    auto p = gate->named_parameters();
    p["bit_weight"].copy_(row({.1, -.2, .3, .05, .2, .1, -.1, .4, -.3, .2, .15, .1}).view({3, 4}).t());
    p["bit_bias"].copy_(row({.01, -.02, .03, 0}));
    p["mix_weight"].copy_(row({.5, -.5, .25, .1, -.2, .3}).view({3, 2}).t());
    p["mix_bias"].copy_(row({.1, -.1}));
  }
  TestBatch batch(1, 2, 3, at::kDouble);
  batch.x = row({.5, -1, .25, 1, .2, -.4}).view({2, 3});
  const auto routing = gate->forward(batch.input());
  EXPECT_TRUE(near(routing.weight, golden_tensor("dsk per-example weights"), 1e-14));
  // The gate takes the mean over tokens, COMET's form; the published code the sum.
  EXPECT_EQ(routing.aux.at(0).name, "entropy");
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("dsk per-example entropy batch-mean (COMET variant)"), 1e-13));
  EXPECT_TRUE(near(routing.aux[0].value * 2, golden_tensor("dsk per-example entropy SUM (official)"), 1e-13));
}

TEST(DSelectK, StartsWithEveryExpertLiveAtAnyWidth) {
  for (const int64_t D : {8, 1024}) {
    for (const int64_t E : {4, 6, 32}) {
      const auto gate = make_gate(parse_gate("dselect_k"), {D, E}, Initializer(1));
      const TestBatch batch(1, 64, D, at::kFloat);
      const auto routing = gate->forward(batch.input());
      EXPECT_EQ(routing.stats.live_slots.item<double>(), 64.0 * static_cast<double>(E));
      EXPECT_EQ(routing.stats.gate.at("saturated_bits").sum.item<double>(), 0);
    }
  }
}

TEST(DSelectK, CountsCoincidentSelectorsAndSaturatedBits) {
  const auto gate = make_gate(parse_gate("{kind: dselect_k, k: 2, gamma: 1}"), {2, 4}, Initializer(1));
  at::NoGradGuard no_grad;
  for (const auto& item : gate->named_parameters()) item.value().zero_();
  // Selector 0 follows x[0], selector 1 follows x[1]: both bits of each.
  gate->named_parameters()["bit_weight"].copy_(at::tensor({1., 0., 1., 0., 0., 1., 0., 1.}).view({4, 2}));
  TestBatch batch(1, 4, 2, at::kFloat);
  batch.x = at::tensor({1.f, 1.f, 1.f, -1.f, .1f, 1.f, -1.f, -1.f}).view({4, 2});
  const auto stats = gate->forward(batch.input()).stats;
  EXPECT_EQ(stats.gate.at("coincident_selectors").sum.item<double>(), 3);  // tokens 0, 2 and 3
  EXPECT_NEAR(stats.gate.at("saturated_bits").sum.item<double>(), 3.5, 1e-6);
}

TEST(DSelectK, ReachabilityIsAskedForOnlyWhereCodesHaveNoExpert) {
  const TestBatch batch(1, 8, 4, at::kFloat);
  const auto names = [&](int64_t E) {
    std::string all;
    const auto gate = make_gate(parse_gate("dselect_k"), {4, E}, Initializer(1));
    for (const auto& aux : gate->forward(batch.input()).aux) all += aux.name + " ";
    return all;
  };
  EXPECT_EQ(names(4), "entropy load_balancing ");
  EXPECT_EQ(names(6), "entropy load_balancing reachability ");
}

}  // namespace
}  // namespace moe
