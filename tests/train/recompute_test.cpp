// train.recompute: the same gradients, losses and statistics, and the forward counted twice.
#include <gtest/gtest.h>

#include "tests/contract/gate_cases.h"
#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

class RecomputeOfGate : public ::testing::TestWithParam<GateCase> {};

TEST_P(RecomputeOfGate, TrainsBitForBitAsWithout) {
  const TinyRun tiny;
  const std::string gate = "model.moe.gate=" + with_slots(GetParam().yaml, 2);
  const std::vector<std::string> common = {gate, "train.accumulate=2", "train.logit_z_loss=1e-3",
                                           "model.moe.allow_future_leak=true"};
  auto with = common;
  with.push_back("train.recompute=true");
  const auto plain = tiny_trainer(tiny_config(tiny, common));
  const auto recomputed = tiny_trainer(tiny_config(tiny, with));
  for (int i = 0; i < 4; ++i) {
    const auto a = plain->step(), b = recomputed->step();
    EXPECT_EQ(a.loss.item<double>(), b.loss.item<double>());
    EXPECT_EQ(a.grad_norm.item<double>(), b.grad_norm.item<double>());
    ASSERT_EQ(a.aux.size(), b.aux.size());
    for (const auto& [name, aux] : a.aux) {
      EXPECT_EQ(aux.count, b.aux.at(name).count) << name;
      EXPECT_EQ(aux.value.item<double>(), b.aux.at(name).value.item<double>()) << name;
    }
    for (const auto& [layer, stats] : a.gates) {
      EXPECT_TRUE(at::equal(stats.tokens_per_expert, b.gates.at(layer).tokens_per_expert));
      EXPECT_TRUE(at::equal(stats.tokens, b.gates.at(layer).tokens)) << "statistics are taken once";
    }
  }
  EXPECT_EQ(differing(*plain, *recomputed), std::vector<std::string>{});
}
INSTANTIATE_TEST_SUITE_P(Gates, RecomputeOfGate, ::testing::ValuesIn(gate_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(Recompute, TrainsADenseModelAndFrozenEndsBitForBit) {
  const TinyRun tiny;
  for (const std::vector<std::string>& common :
       {std::vector<std::string>{"model.moe=none"},
        // Nothing before the first layer needs a gradient, so its input does not either.
        std::vector<std::string>{"model.tie_embeddings=false",
                                 "optimizer.groups={first: {match: embedding, freeze: true}}"},
        std::vector<std::string>{"optimizer.groups={lower: {match: 'layers.0.*', freeze: true}}"},
        std::vector<std::string>{"train.dtype=bf16"}}) {
    auto with = common;
    with.push_back("train.recompute=true");
    const auto plain = tiny_trainer(tiny_config(tiny, common));
    const auto recomputed = tiny_trainer(tiny_config(tiny, with));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(plain->step().grad_norm.item<double>(), recomputed->step().grad_norm.item<double>());
    }
    EXPECT_EQ(differing(*plain, *recomputed), std::vector<std::string>{}) << common[0];
  }
}

TEST(Recompute, IsCountedAsExecutedAndNotAsTraining) {
  const TinyRun tiny;
  const auto plain = tiny_trainer(tiny_config(tiny));
  const auto recomputed = tiny_trainer(tiny_config(tiny, {"train.recompute=true"}));
  for (auto* trainer : {plain.get(), recomputed.get()}) {
    trainer->step();
    trainer->count_flops();
  }
  const auto &a = plain->progress(), &b = recomputed->progress();
  EXPECT_EQ(a.flops, b.flops);
  EXPECT_EQ(a.flops_attention, b.flops_attention);
  // All but the output head runs forward once more.
  const double head = 3 * 2 * 16.0 * 512 * 64;
  EXPECT_DOUBLE_EQ(b.flops_executed - head, (a.flops_executed - head) * 4 / 3);
}

}  // namespace
}  // namespace moe
