// Runs on denoised rows: what rows of metrics.jsonl say, and that they repeat.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "data/attention_pairs.h"
#include "tests/support/tiny_trainer.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/context.h"
#include "train/evaluate.h"

namespace moe {
namespace {

const std::vector<std::string> kUl2r = {"objective.kind=ul2", "model.context=64", "train.batch_tokens=256"};
const std::vector<std::string> kDocuments = {"objective.kind=ul2", "model.context=64", "train.batch_tokens=256",
                                             "data.documents=separator", "data.separator=.\n"};

TEST(ObjectiveRun, SaysWhatItLearnsAndResumesExactly) {
  const TinyRun tiny;
  const auto train = [&](const std::string& folder, const std::string& steps) {
    auto words = kDocuments;
    // The learning rate would follow the last step.
    words.insert(words.end(), {"train.eval_every=6", "checkpoint.every=4", "schedule.kind=constant", "run.dir=" + folder,
                               "train.steps=" + steps});
    return tiny.train(words);
  };
  const auto whole = train("whole", "12");
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_NE(whole.err.find("objective ul2: rows of s 50 %, r_3_15 25 %, x_32_15 12.5 %, x_32_50 12.5 %"),
            std::string::npos) << whole.err;
  ASSERT_EQ(train("parts", "7").code, 0);
  ASSERT_EQ(train("parts", "12").code, 0);
  auto resumed = repeatable(tiny.rows("parts")), undisturbed = repeatable(tiny.rows("whole"));
  const auto train_rows = [](std::vector<Json> rows) {
    rows.erase(std::remove_if(rows.begin(), rows.end(), [](const Json& row) { return row["split"] != "train"; }),
               rows.end());
    return rows;
  };
  EXPECT_EQ(train_rows(resumed), train_rows(undisturbed));

  for (const auto& row : tiny.rows("whole")) {
    EXPECT_LT(row["target_tokens"], row["tokens"]);
    if (row["split"] == "train") {
      EXPECT_GT(row["packing"], 0.7);
      EXPECT_LE(row["packing"], 1);
      EXPECT_LT(row["flops"], row["flops_executed"]) << "padding and the mask's other half cost too";
      continue;
    }
    std::set<std::string> names;
    for (const auto& [name, loss] : row["objectives"].items()) names.insert(name);
    EXPECT_EQ(names, (std::set<std::string>{"causal", "r_3_15", "s", "x_32_15", "x_32_50"}));
    EXPECT_NEAR(row["bits_per_byte"], row["objectives"]["causal"].get<double>() / std::log(2.0), 1e-12);
    EXPECT_NE(row["loss"], row["objectives"]["causal"]);
    EXPECT_EQ(row["load"]["s"].size(), 2u) << "expert load by objective and layer";
  }
  const auto state = state_special_ids(tiny.file("whole/checkpoints/step-00000012"));
  EXPECT_EQ(state["modes"]["nlg"], 259);
  EXPECT_EQ(state["first_sentinel"], 511);
  EXPECT_EQ(state["sentinels"], 252);
}

// Steps of 4 rows at once and of 4 times one row are the same, however targets are spread.
TEST(Objectives, MicroStepsShareTheTargetsOfTheStep) {
  const TinyRun tiny;
  auto fp64 = kDocuments;
  fp64.insert(fp64.end(), {"train.dtype=fp64", "model.moe=none"});
  auto split = fp64;
  split.emplace_back("train.accumulate=4");
  const auto whole = tiny_trainer(tiny_config(tiny, fp64)), parts = tiny_trainer(tiny_config(tiny, split));
  for (int step = 0; step < 3; ++step) {
    const auto a = whole->step(), b = parts->step();
    EXPECT_NEAR(a.loss.item<double>(), b.loss.item<double>(), 1e-12);
    EXPECT_NEAR(a.grad_norm.item<double>(), b.grad_norm.item<double>(), 1e-10);
  }
  whole->count_flops();
  parts->count_flops();
  EXPECT_NEAR(whole->progress().flops / parts->progress().flops, 1, 1e-12);
  EXPECT_EQ(whole->progress().tokens, parts->progress().tokens);
  EXPECT_EQ(whole->progress().target_tokens, parts->progress().target_tokens);
}

TEST(Objectives, AttentionFlopsFollowTheMask) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, kUl2r);
  const auto data = open_data(config.data, config.objective, 64, 1);
  const auto trainer = tiny_trainer(config);
  trainer->step();
  trainer->count_flops();
  const auto batch = data.train->batch(0, 4);
  // Two layers, two heads of width 8, scores and mixing: 4 x 8 a pair and head, three times with backward.
  EXPECT_NEAR(trainer->progress().flops_attention, 3.0 * 2 * 2 * 4 * 8 * static_cast<double>(allowed_pairs(batch)),
              1e-6);
}

TEST(Objectives, TheLossIsTheMeanOverTargetsAlone) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, kUl2r);
  const auto data = open_data(config.data, config.objective, 64, 1);
  const auto trainer = tiny_trainer(config);
  const auto batch = data.train->batch(0, 4);
  at::NoGradGuard no_grad;
  const auto logits = trainer->model().decoder->forward(make_context(batch, at::kCPU)).logits;
  const auto scores = logits.log_softmax(1);
  double sum = 0, count = 0;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    if (batch.targets[i] == Batch::kNoTarget) continue;
    sum -= scores[static_cast<int64_t>(i)][batch.targets[i]].item<double>();
    ++count;
  }
  EXPECT_EQ(count, static_cast<double>(batch.target_tokens));
  at::AutoGradMode with_grad(true);
  EXPECT_NEAR(trainer->step().loss.item<double>(), sum / count, 1e-5);
}

// The loss of a row drawn as in training: every denoiser by its share of rows and its targets.
TEST(Objectives, ValidationExpectsTheTrainingLoss) {
  const TinyRun tiny;
  const auto config = tiny_config(tiny, kUl2r);
  const auto data = open_data(config.data, config.objective, 64, 1);
  const auto trainer = tiny_trainer(config);
  const auto found = evaluate(trainer->model(), data.valid, 1024, 4, 64, at::kCPU, 1);
  ASSERT_EQ(found.objectives.size(), 5u);
  double losses = 0, targets = 0;
  for (const auto& rows : data.valid) {
    if (rows.objective == "causal") continue;
    const auto batch = rows.rows->batch(0, 4);  // a quarter of 1024 tokens
    double loss = 0;
    for (const auto& [name, value] : found.objectives) {
      if (name == rows.objective) loss = value;
    }
    losses += rows.weight * loss * static_cast<double>(batch.target_tokens);
    targets += rows.weight * static_cast<double>(batch.target_tokens);
  }
  EXPECT_NEAR(found.loss, losses / targets, 1e-9);
  EXPECT_EQ(found.bits_per_byte(), found.causal / std::log(2.0));
}

}  // namespace
}  // namespace moe
