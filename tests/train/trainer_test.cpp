// A step in this process: it repeats, it learns, and accumulation changes only rounding.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_trainer.h"
#include "train/evaluate.h"

namespace moe {
namespace {

std::vector<double> train(Trainer& trainer, int64_t steps) {
  std::vector<double> losses;
  for (int64_t i = 0; i < steps; ++i) losses.push_back(trainer.step().loss.item<double>());
  return losses;
}

TEST(Trainer, TheSameSeedRepeatsBitForBit) {
  const TinyRun tiny;
  for (const std::string kind : {"top_k", "switch", "dselect_k", "round_robin"}) {
    const auto config = tiny_config(tiny, {"model.moe.gate.kind=" + kind});
    const auto one = tiny_trainer(config), two = tiny_trainer(config);
    EXPECT_EQ(train(*one, 5), train(*two, 5)) << kind;
    EXPECT_EQ(differing(*one, *two), std::vector<std::string>{}) << kind;
  }
}

TEST(Trainer, AnotherSeedIsAnotherRunInWeightsAndData) {
  const TinyRun tiny;
  const auto one = tiny_trainer(tiny_config(tiny, {"run.seed=1"}));
  const auto two = tiny_trainer(tiny_config(tiny, {"run.seed=2"}));
  EXPECT_FALSE(differing(*one, *two).empty());
  EXPECT_NE(train(*one, 2), train(*two, 2));
}

TEST(Trainer, TwoMicroStepsAreOneStepOfTheSameRows) {
  const TinyRun tiny;
  // Without a balance loss, which is formed over the tokens of one micro-step.
  const std::string gate = "model.moe.gate={kind: top_k, load_balancing: 0}";
  const auto whole = tiny_trainer(tiny_config(tiny, {gate}));
  const auto halves = tiny_trainer(tiny_config(tiny, {gate, "train.accumulate=2"}));
  const auto a = whole->step(), b = halves->step();
  EXPECT_NEAR(a.loss.item<double>(), b.loss.item<double>(), 1e-5);
  EXPECT_NEAR(a.grad_norm.item<double>(), b.grad_norm.item<double>(), 1e-4);
  EXPECT_EQ(whole->progress().row, halves->progress().row);
  EXPECT_EQ(whole->progress().tokens, halves->progress().tokens);
  EXPECT_TRUE(at::equal(a.gates.at(0).tokens, b.gates.at(0).tokens));
  const auto ones = whole->optimizer().state(), twos = halves->optimizer().state();
  ASSERT_EQ(ones.size(), twos.size());
  for (size_t i = 0; i < ones.size(); ++i) {
    EXPECT_TRUE(at::allclose(ones[i].values, twos[i].values, 1e-3, 1e-6)) << ones[i].name;
  }
}

TEST(Trainer, ValidationChangesNothingAndRepeats) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, {"model.moe.gate.kind=switch"});
  const auto data = open_data(config.data, config.objective, config.model.context, 1);
  const auto one = tiny_trainer(config), two = tiny_trainer(config);
  train(*one, 2);
  train(*two, 2);
  const auto validate = [&] { return evaluate(one->model(), data.valid, 64, 3, 16, at::kCPU, 1); };
  const auto first = validate(), second = validate();
  EXPECT_EQ(first.loss, second.loss);
  EXPECT_EQ(first.target_tokens, 64);
  train(*one, 2);
  train(*two, 2);
  EXPECT_EQ(differing(*one, *two), std::vector<std::string>{});
}

TEST(Trainer, FlopsDoNotDependOnHowOftenTheyAreCounted) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, {"model.moe.gate.kind=dselect_k"});
  const auto often = tiny_trainer(config), once = tiny_trainer(config);
  for (int i = 0; i < 4; ++i) {
    often->step();
    often->count_flops();
    once->step();
  }
  once->count_flops();
  EXPECT_GT(once->progress().flops, 0);
  EXPECT_EQ(often->progress().flops, once->progress().flops);
  EXPECT_EQ(often->progress().flops_executed, once->progress().flops_executed);
}

TEST(ChooseDevice, SaysWhenThereIsNoCuda) {
  EXPECT_EQ(choose_device("cpu"), at::Device(at::kCPU));
  if (at::hasCUDA()) GTEST_SKIP() << "this build has CUDA";
  EXPECT_EQ(choose_device("auto"), at::Device(at::kCPU));
  EXPECT_EQ(message_of<ConfigError>([] { choose_device("cuda"); }),
            "train.device: cuda was asked for, and this build or machine has none: use cpu or auto");
}

}  // namespace
}  // namespace moe
