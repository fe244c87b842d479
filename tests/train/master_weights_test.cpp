// train.dtype: what is rounded, what is kept in float32, and that nothing is lost between.
#include "train/master_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tensors.h"
#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"
#include "train/context.h"
#include "train/evaluate.h"

namespace moe {
namespace {

TEST(MasterWeights, RoundsMatricesButNotGatesAndNorms) {
  const TinyRun tiny;
  const auto trainer = tiny_trainer(tiny_config(tiny, {"train.dtype=bf16"}));
  std::map<std::string, Tensor> masters;
  for (const auto& [name, tensor] : trainer->weights().tensors()) masters[name] = tensor;
  size_t rounded = 0, kept = 0;
  for (const auto& item : trainer->model().decoder->named_parameters()) {
    const auto& master = masters.at(item.key());
    EXPECT_EQ(master.scalar_type(), at::kFloat);
    EXPECT_TRUE(item.value().requires_grad());
    const bool keeps = item.value().dim() == 1 || item.key().find(".gate.") != std::string::npos;
    (keeps ? kept : rounded)++;
    EXPECT_EQ(item.value().scalar_type(), keeps ? at::kFloat : at::kBFloat16) << item.key();
    EXPECT_TRUE(at::equal(item.value().detach(), master.detach().to(item.value().scalar_type())));
  }
  EXPECT_GT(rounded, 0u);
  EXPECT_GT(kept, 0u);
}

TEST(MasterWeights, KeepUpdatesThatBfloat16WouldLose) {
  const TinyRun tiny;
  // Each update is far below half a unit in the last place of bfloat16, 2^-9 of a weight.
  const auto trainer = tiny_trainer(tiny_config(
      tiny, {"train.dtype=bf16", "schedule.lr=1e-6", "schedule.warmup=0", "schedule.kind=constant",
             "optimizer.weight_decay=0"}));
  const auto& [name, master] = trainer->weights().tensors().at(0);
  ASSERT_EQ(name, "embedding");
  const auto before = master.clone();
  trainer->step();
  const auto once = (master - before).abs().max().item<double>();
  EXPECT_GT(once, 0);
  EXPECT_LT(once, 2e-6);
  for (int i = 0; i < 9; ++i) trainer->step();
  EXPECT_GT((master - before).abs().max().item<double>(), 3 * once) << "updates add up";
}

TEST(MasterWeights, GradientsOfMicroStepsAreAddedUpInFloat32) {
  const TinyRun tiny;
  auto trainer = tiny_trainer(tiny_config(tiny, {"train.dtype=bf16"}));
  auto& weights = trainer->weights();
  Tensor working;
  for (auto& item : trainer->model().decoder->named_parameters()) {
    if (item.key() == "embedding") working = item.value();
  }
  const auto master = weights.tensors().at(0).second;
  const auto give = [&](double value) {
    working.mutable_grad() = at::full(working.sizes(), value, at::kBFloat16);
    weights.collect_gradients();
    EXPECT_FALSE(working.grad().defined());
  };
  give(256);
  for (int i = 0; i < 3; ++i) give(0.5);  // 256 + 0.5 is 256 in bfloat16
  EXPECT_EQ(master.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(master.grad().min().item<double>(), 257.5);
}

TEST(Bf16, ALossCurveStaysNearFloat32) {
  const TinyRun tiny;
  for (const std::string kind : {"top_k", "dselect_k", "switch"}) {
    const std::vector<std::string> common = {"model.moe.gate.kind=" + kind, "train.steps=60"};
    auto with = common;
    with.push_back("train.dtype=bf16");
    const auto full = tiny_trainer(tiny_config(tiny, common));
    const auto half = tiny_trainer(tiny_config(tiny, with));
    double sum_full = 0, sum_half = 0;
    for (int i = 0; i < 60; ++i) {
      const double a = full->step().loss.item<double>(), b = half->step().loss.item<double>();
      sum_full += a;
      sum_half += b;
      EXPECT_NE(a, b) << "bf16 is really used";
    }
    EXPECT_NEAR(sum_half / sum_full, 1, 0.01) << kind;
  }
}

TEST(Bf16, ACheckpointOfEitherDtypeLoadsIntoTheOther) {
  const TinyRun tiny;
  const auto half = tiny_trainer(tiny_config(tiny, {"train.dtype=bf16"}));
  for (int i = 0; i < 3; ++i) half->step();
  const auto folder = save_checkpoint(tiny.file("run"), *half, "");
  const auto full = tiny_trainer(tiny_config(tiny));
  load_checkpoint(folder, *full);
  const auto moments = full->optimizer().state(), originals = half->optimizer().state();
  ASSERT_EQ(moments.size(), originals.size());
  for (size_t i = 0; i < moments.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(moments[i].values, originals[i].values)) << moments[i].name;
  }
  EXPECT_EQ(full->optimizer().steps(), 3);
  for (size_t i = 0; i < full->weights().tensors().size(); ++i) {
    EXPECT_TRUE(bitwise_equal(full->weights().tensors()[i].second.detach(),
                              half->weights().tensors()[i].second.detach()));
  }
  full->step();
  const auto back = tiny_trainer(tiny_config(tiny, {"train.dtype=bf16"}));
  load_checkpoint(save_checkpoint(tiny.file("run"), *full, ""), *back);
  for (const auto& item : back->model().decoder->named_parameters()) {
    for (const auto& [name, master] : full->weights().tensors()) {
      if (name == item.key()) {
        EXPECT_TRUE(at::equal(item.value().detach(), master.detach().to(item.value().scalar_type())))
            << name << ": the rounded copy follows what was loaded";
      }
    }
  }
}

TEST(Bf16, ResumesBitForBit) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, {"train.dtype=bf16", "train.accumulate=2"});
  const auto whole = tiny_trainer(config), first = tiny_trainer(config), second = tiny_trainer(config);
  for (int i = 0; i < 6; ++i) whole->step();
  for (int i = 0; i < 3; ++i) first->step();
  load_checkpoint(save_checkpoint(tiny.file("run"), *first, ""), *second);
  for (int i = 0; i < 3; ++i) second->step();
  EXPECT_EQ(differing(*whole, *second), std::vector<std::string>{});
}

TEST(Loss, OfBfloat16LogitsIsFormedInFloat32) {
  const auto logits = at::randn({4, 6}, at::kFloat).to(at::kBFloat16);
  const auto targets = longs({1, 5, Batch::kNoTarget, 0});
  const auto loss = cross_entropy_sum(logits, targets);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_EQ(loss.item<double>(), cross_entropy_sum(logits.to(at::kFloat), targets).item<double>());
}

TEST(LogitZLoss, IsTheMeanSquaredLogOfTheSumOverScoredTokens) {
  const auto logits = at::tensor({0.0, std::log(3.0), 1.0, 1.0}, at::kDouble).view({2, 2});
  const double first = std::log(4.0), second = 1 + std::log(2.0);
  EXPECT_NEAR(logit_z_loss_sum(logits, longs({1, 0})).item<double>(),
              first * first + second * second, 1e-12);
  EXPECT_NEAR(logit_z_loss_sum(logits, longs({1, Batch::kNoTarget})).item<double>(), first * first,
              1e-12);
}

TEST(LogitZLoss, IsAnAuxiliaryLossAndNotPartOfTheLoss) {
  const TinyRun tiny;
  const auto plain = tiny_trainer(tiny_config(tiny, {"train.accumulate=2"}));
  const auto with =
      tiny_trainer(tiny_config(tiny, {"train.accumulate=2", "train.logit_z_loss=0.5"}));
  const auto a = plain->step(), b = with->step();
  EXPECT_EQ(a.loss.item<double>(), b.loss.item<double>());
  EXPECT_NE(a.grad_norm.item<double>(), b.grad_norm.item<double>());
  EXPECT_EQ(a.aux.count("logit_z_loss"), 0u);
  const auto& z = b.aux.at("logit_z_loss");
  EXPECT_EQ(z.count, 2);
  // Logits begin near 0, so the sum is over nearly equal ones: log(512) squared.
  EXPECT_NEAR(z.value.item<double>() / 2, std::pow(std::log(512), 2), 1);
}

}  // namespace
}  // namespace moe
