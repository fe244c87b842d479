// The keys of metrics.jsonl, which users script against.
#include "train/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <numbers>

#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

using Keys = std::vector<std::string>;

Keys keys_of(const Json& object) {
  Keys keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

const Keys kCommon = {"step",  "split",           "loss",           "tokens", "target_tokens",
                      "flops", "flops_attention", "flops_executed", "seconds", "joules"};
Keys with(Keys keys, const Keys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

Json first_row(const TinyRun& tiny, const std::vector<std::string>& overrides) {
  auto trainer = tiny_trainer(tiny_config(tiny, overrides));
  const auto result = trainer->step();
  trainer->count_flops();
  return train_row(result, layer_loads(result), trainer->progress(), {123, 0.5});
}

TEST(TrainRow, HasTheFixedKeysForEveryGate) {
  const TinyRun tiny;
  for (const std::string kind : {"top_k", "switch", "dselect_k", "round_robin"}) {
    const auto row = first_row(tiny, {"model.moe.gate.kind=" + kind});
    EXPECT_EQ(keys_of(row), with(kCommon, {"lr", "grad_norm", "tokens_per_second", "tflops", "mfu",
                                           "packing", "peak_memory", "bad_steps", "aux", "moe"}));
    ASSERT_EQ(row["moe"].size(), 2u);
    for (size_t layer = 0; layer < 2; ++layer) {
      const auto& load = row["moe"][layer];
      EXPECT_EQ(keys_of(load),
                (Keys{"layer", "tokens_per_expert", "max_vio", "load_cv", "dead_experts", "entropy",
                      "slots_per_token", "empty_tokens", "dropped", "top_weight", "slots_histogram",
                      "gate"}));
      EXPECT_EQ(load["layer"], layer);
      ASSERT_EQ(load["tokens_per_expert"].size(), 4u);
      double slots = 0;
      for (const double count : load["tokens_per_expert"]) slots += count;
      EXPECT_DOUBLE_EQ(slots / 64, load["slots_per_token"].get<double>()) << kind;
    }
  }
}

TEST(TrainRow, HoldsTheStepsFigures) {
  const TinyRun tiny;
  const auto row = first_row(tiny, {"train.accumulate=2"});
  EXPECT_EQ(row["step"], 1);
  EXPECT_EQ(row["split"], "train");
  EXPECT_NEAR(row["loss"].get<double>(), std::log(512.0), 0.2);
  EXPECT_EQ(row["tokens"], 64);
  EXPECT_EQ(row["target_tokens"], 64);
  EXPECT_DOUBLE_EQ(row["lr"].get<double>(), 1e-2 / 3);
  EXPECT_GT(row["grad_norm"].get<double>(), 0);
  EXPECT_EQ(row["tokens_per_second"], 123);
  EXPECT_EQ(row["tflops"], 0.5);
  EXPECT_EQ(row["bad_steps"], (Json{{"nonfinite", 0}, {"spikes", 0}, {"rollbacks", 0}}));
  EXPECT_GT(row["peak_memory"].get<double>(), 1e6);
  EXPECT_EQ(keys_of(row["aux"]), Keys{"load_balancing"});
  // The mean over layers and micro-steps: 1 at perfect balance, 4 when all go to one expert.
  EXPECT_GE(row["aux"]["load_balancing"].get<double>(), 0.9);
  EXPECT_LT(row["aux"]["load_balancing"].get<double>(), 2);
}

TEST(TrainRow, CountsFlopsFromTheSlotsThatWereLive) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny);
  const auto flops = flops_per_token(config.model, 512);
  const auto row = first_row(tiny, {});
  EXPECT_EQ(row["flops"].get<double>(), 64 * flops.training_once_sparse());
  EXPECT_EQ(row["flops_attention"].get<double>(), 64 * 3 * flops.attention);
  EXPECT_EQ(row["flops_executed"], row["flops"]);
  const auto dense = first_row(tiny, {"model.moe.dispatch=dense"});
  EXPECT_EQ(dense["flops"], row["flops"]);
  // All 4 experts instead of 2, in both layers.
  EXPECT_EQ(dense["flops_executed"].get<double>(),
            64 * (flops.training_once_sparse() + 3 * 2 * (4 - 2) * flops.per_slot(0)));
}

TEST(TrainRow, ReportsDSelectKsOwnFigures) {
  const TinyRun tiny;
  const auto row = first_row(tiny, {"model.moe.gate.kind=dselect_k"});
  EXPECT_TRUE(row["moe"][0]["gate"].contains("coincident_selectors"));
  EXPECT_TRUE(row["moe"][0]["gate"].contains("saturated_bits"));
}

TEST(TrainRow, OfADenseModelHasNoLayers) {
  const TinyRun tiny;
  const auto row = first_row(tiny, {"model.moe=none"});
  EXPECT_EQ(row["moe"], Json::array());
  EXPECT_EQ(row["aux"], Json::object());
}

TEST(ValidRow, HasTheFixedKeys) {
  Evaluation evaluation;
  evaluation.loss = evaluation.causal = std::numbers::ln2 * 3;
  evaluation.objectives = {{"causal", evaluation.causal}};
  Progress progress;
  progress.step = 7;
  const auto row = valid_row(evaluation, progress);
  EXPECT_EQ(keys_of(row), with(kCommon, {"bits_per_byte", "objectives"}));
  EXPECT_EQ(row["step"], 7);
  EXPECT_EQ(row["split"], "valid");
  EXPECT_DOUBLE_EQ(row["bits_per_byte"].get<double>(), 3);
  EXPECT_EQ(row["objectives"], (Json{{"causal", evaluation.loss}}));
}

TEST(MetricsFile, ANonFiniteFigureIsNull) {
  const TempDir folder;
  Evaluation evaluation;
  evaluation.loss = evaluation.causal = std::numeric_limits<double>::quiet_NaN();
  evaluation.objectives = {{"causal", evaluation.causal}};
  MetricsWriter(folder.file("metrics.jsonl")).append(valid_row(evaluation, {}));
  const auto rows = read_metrics(folder.file("metrics.jsonl"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0]["loss"].is_null());
  EXPECT_TRUE(rows[0]["bits_per_byte"].is_null());
  EXPECT_TRUE(rows[0]["objectives"]["causal"].is_null());
}

}  // namespace
}  // namespace moe
