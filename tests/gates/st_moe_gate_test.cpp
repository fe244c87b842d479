#include <gtest/gtest.h>

#include "tests/support/table_gate.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(StMoeGate, PriorityKeepsWhatThePublishedOneKeeps) {
  // 2 tokens per expert: 1 * 8 / 4.
  const auto routing =
      TableGate("{kind: st_moe, second: all, capacity_factor: 1, capacity_order: priority}").forward();
  const auto kept = golden_tensor("BPR kept");  // [2, 8]
  EXPECT_TRUE(near((routing.expert != kEmpty).t().to(at::kDouble), kept, 0));
  EXPECT_DOUBLE_EQ(1 - kept[0].mean().item<double>(), 0.375);
  EXPECT_DOUBLE_EQ(1 - kept[1].mean().item<double>(), 0.625);
  EXPECT_TRUE(near(routing.weight,
                   golden_tensor("top2 raw softmax probs (no renorm)") * kept.t(), 1e-12));
}

TEST(StMoeGate, LossesAreThePublishedOnes) {
  const auto routing = TableGate("st_moe").forward();
  ASSERT_EQ(routing.aux.size(), 2u);
  EXPECT_EQ(routing.aux[0].name, "load_balancing");
  EXPECT_EQ(routing.aux[0].coefficient, 1e-2);
  EXPECT_TRUE(near(routing.aux[0].value, golden_tensor("switch_aux (E*sum f_i P_i)"), 1e-12));
  EXPECT_EQ(routing.aux[1].name, "z_loss");
  EXPECT_EQ(routing.aux[1].coefficient, 1e-3);
  EXPECT_TRUE(near(routing.aux[1].value, golden_tensor("z_loss_unscaled"), 1e-12));
}

TEST(StMoeGate, SecondExpertAboveTheThresholdAlwaysComes) {
  // Those of the golden table's rows 2, 5 and 6 are below 0.2.
  const auto share = golden_tensor("top2 renormalised == softmax over top-2 logits").select(1, 1);
  TableGate gate("{kind: st_moe, capacity_factor: 0}");
  int64_t refused = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    gate.batch.context.noise.seed = seed;
    const auto empty = gate.forward().expert.select(1, 1) == kEmpty;
    EXPECT_FALSE((empty & (share >= 0.2)).any().item<bool>());
    refused += empty.sum().item<int64_t>();
  }
  EXPECT_GT(refused, 0);
}

TEST(StMoeGate, EvaluationDropsNothingAndShowsWhatItsFactorWould) {
  TableGate gate("{kind: st_moe, eval_capacity_factor: 1, capacity_order: choice}");
  gate.batch.context.training = false;
  const auto routing = gate.forward();
  EXPECT_TRUE((routing.expert != kEmpty).all().item<bool>());
  EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 0);
  EXPECT_DOUBLE_EQ(gate_figure(routing, "over_eval_capacity"), (3.0 + 5) / 16);
  EXPECT_EQ(routing.stats.gate.count("capacity"), 0);
  TableGate without("{kind: st_moe, eval_capacity_factor: 0}");
  EXPECT_EQ(without.forward().stats.gate.count("over_eval_capacity"), 0);
}

TEST(StMoeGate, PriorityIsNotCausal) {
  const auto causal = [](const std::string& order) {
    return gate_config(parse_gate("{kind: st_moe, capacity_order: " + order + "}")).causal();
  };
  EXPECT_TRUE(causal("token"));
  EXPECT_FALSE(causal("choice"));
  EXPECT_FALSE(causal("priority"));
  EXPECT_TRUE(
      gate_config(parse_gate("{kind: st_moe, capacity_order: priority, capacity_factor: 0}")).causal());
}

TEST(StMoeGate, FirstWeightsAreOfOneDeviationAtAnyWidth) {
  const auto deviation = [](const std::string& yaml, int64_t d_model) {
    const auto gate = make_gate(parse_gate(yaml), {d_model, 16}, Initializer(1));
    return gate->parameters().at(0).std().item<double>();
  };
  EXPECT_NEAR(deviation("st_moe", 256), 0.02, 1e-3);
  EXPECT_NEAR(deviation("st_moe", 1024), 0.02, 1e-3);
  EXPECT_NEAR(deviation("{kind: st_moe, init_std: 0.5}", 256), 0.5, 0.025);
  EXPECT_NEAR(deviation("gshard_top_2", 256), 1.0 / 16, 3e-3);
  EXPECT_NEAR(deviation("gshard_top_2", 1024), 1.0 / 32, 1.5e-3);
}

}  // namespace
}  // namespace moe
