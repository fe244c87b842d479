// What every gate promises (gates/routing.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/contract/gate_cases.h"
#include "tests/support/gates.h"
#include "tests/support/tensors.h"

namespace moe {
namespace {

TEST(GateCases, CoverEveryKindAndBothHalvesOfTheListAgree) {
  std::set<std::string> listed, made, covered;
  for (const auto& kind : gate_kinds()) listed.insert(kind.name);
  for (const auto& maker : gate_makers()) made.insert(maker.kind);
  for (const auto& test : gate_cases()) covered.insert(parse_gate(with_slots(test.yaml, 2)).kind);
  EXPECT_EQ(listed, made);
  EXPECT_EQ(listed, covered);
}

class GateContract : public testing::TestWithParam<GateCase> {
 protected:
  std::shared_ptr<Gate> make(int64_t D, int64_t E, int64_t k, at::ScalarType dtype) {
    auto gate = make_gate(parse_gate(with_slots(GetParam().yaml, k)), {D, E, kTestVocabulary},
                          Initializer(5, dtype));
    spread_parameters(*gate, GetParam().spread);
    return gate;
  }
};

TEST_P(GateContract, ExpertsAreInRangeOnceEachAndEmptySlotsWeighNothing) {
  for (const auto& [count, k] : {std::pair{4, 2}, {6, 3}, {3, 1}, {1, 1}, {8, 8}}) {
    const int64_t E = GetParam().experts(count);
    const TestBatch batch(2, 16, 8, at::kFloat);
    const auto routing = make(8, E, k, at::kFloat)->forward(batch.input());
    const auto expert = routing.expert, weight = routing.weight.detach();
    ASSERT_EQ(expert.sizes(), weight.sizes());
    EXPECT_EQ(expert.scalar_type(), at::kLong);
    EXPECT_EQ(weight.scalar_type(), at::kFloat);
    EXPECT_TRUE(((expert >= kEmpty) & (expert < E)).all().item<bool>());
    EXPECT_TRUE((weight.masked_select(expert == kEmpty) == 0).all().item<bool>());
    EXPECT_TRUE((weight >= 0).all().item<bool>());
    for (int64_t e = 0; e < E; ++e) {
      EXPECT_LE((expert == e).sum(1).max().item<int64_t>(), 1) << "expert " << e;
    }
  }
}

TEST_P(GateContract, IsPureAndStatisticsDescribeTheRouting) {
  const TestBatch batch(2, 16, 8, at::kFloat);
  const auto gate = make(8, 4, 2, at::kFloat);
  const auto routing = gate->forward(batch.input()), again = gate->forward(batch.input());
  EXPECT_TRUE(bitwise_equal(routing.weight, again.weight));
  EXPECT_TRUE(bitwise_equal(routing.expert, again.expert));

  const auto live = routing.live();
  EXPECT_EQ(routing.stats.live_slots.item<double>(), live.sum().item<double>());
  for (int64_t e = 0; e < 4; ++e) {
    EXPECT_EQ(routing.stats.tokens_per_expert[e].item<double>(),
              (live & (routing.expert == e)).sum().item<double>());
  }
  EXPECT_EQ(routing.stats.empty_tokens.item<double>(),
            live.any(1).logical_not().sum().item<double>());
  EXPECT_EQ(routing.stats.tokens.item<double>(), 32);
}

TEST_P(GateContract, DoesWhatItSaysOfItself) {
  const auto about = gate_config(parse_gate(with_slots(GetParam().yaml, 2))).about();
  const auto gate = make(8, GetParam().experts(6), 2, at::kFloat);
  const TestBatch batch(2, 16, 8, at::kFloat);
  const auto routing = gate->forward(batch.input());
  for (const auto& loss : routing.aux) {
    EXPECT_THAT(about.losses, testing::Contains(loss.name));
  }
  std::vector<std::string> state;
  for (const auto& item : gate->named_buffers()) state.push_back(item.key());
  EXPECT_EQ(state, about.state);
  EXPECT_EQ(about.flat_zeros, routing.skip_zeros);
}

TEST_P(GateContract, WithoutDiagnosticsTheRoutingIsTheSame) {
  TestBatch batch(2, 16, 8, at::kFloat);
  const auto gate = make(8, 4, 2, at::kFloat);
  const auto with = gate->forward(batch.input());
  batch.context.diagnostics = false;
  const auto without = gate->forward(batch.input());
  EXPECT_TRUE(bitwise_equal(with.weight, without.weight));
  EXPECT_TRUE(bitwise_equal(with.expert, without.expert));
  EXPECT_TRUE(bitwise_equal(with.stats.tokens_per_expert, without.stats.tokens_per_expert));
  EXPECT_EQ(with.stats.live_slots.item<double>(), without.stats.live_slots.item<double>());
  EXPECT_FALSE(without.stats.entropy.defined());
  EXPECT_TRUE(without.stats.gate.empty());
}

TEST_P(GateContract, EvaluationIsDroplessAndNoiseFree) {
  TestBatch batch(2, 16, 8, at::kFloat);
  batch.context.training = false;
  const auto gate = make(8, 4, 2, at::kFloat);
  const auto routing = gate->forward(batch.input());
  EXPECT_EQ(routing.stats.dropped_slots.item<double>(), 0);
  batch.context.noise.seed = 77;
  EXPECT_TRUE(bitwise_equal(routing.weight, gate->forward(batch.input()).weight));
}

TEST_P(GateContract, CausalGatesDoNotLookAhead) {
  const auto choice = parse_gate(with_slots(GetParam().yaml, 2));
  TestBatch batch(1, 16, 8, at::kFloat);
  const auto gate = make(8, 4, 2, at::kFloat);
  const auto before = gate->forward(batch.input());
  batch.x = batch.x.clone();
  batch.x.narrow(0, 10, 6).mul_(-3);
  const auto after = gate->forward(batch.input());
  const bool same = bitwise_equal(before.expert.narrow(0, 0, 10), after.expert.narrow(0, 0, 10)) &&
                    bitwise_equal(before.weight.narrow(0, 0, 10), after.weight.narrow(0, 0, 10));
  EXPECT_EQ(same, gate_config(choice).causal());
}

INSTANTIATE_TEST_SUITE_P(AllGates, GateContract, testing::ValuesIn(gate_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace moe
