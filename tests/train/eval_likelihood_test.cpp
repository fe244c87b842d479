// Likelihoods of given texts in padded batches, against each text by itself; losses of stretches against evaluate().
#include "train/eval/likelihood.h"

#include <gmock/gmock.h>

#include <cmath>

#include "configs/errors.h"
#include "data/open_data.h"
#include "tests/support/tiny_trainer.h"
#include "train/eval/held_out.h"
#include "train/eval/losses.h"
#include "train/evaluate.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Likelihood : public testing::Test {
 protected:
  // An untrained model in float64, as a checkpoint would be opened.
  Subject subject(const std::vector<std::string>& overrides = {}) const {
    Subject made;
    made.config = tiny_config(tiny_, overrides);
    made.tokenizer = make_tokenizer("byte");
    made.model = build_model(made.config.model, made.tokenizer->vocabulary(), Initializer(3, at::kDouble));
    return made;
  }
  // Prompts of 1 to 6 bytes, continuations of 1 to 6; every other prompt sees itself whole.
  static std::vector<AskedText> texts() {
    std::vector<AskedText> all;
    for (int64_t i = 0; i < 40; ++i) {
      AskedText text;
      for (int64_t k = 0; k <= i % 6; ++k) text.given.ids.push_back('a' + (7 * i + 3 * k) % 26);
      for (int64_t k = 0; k <= i / 6 % 6; ++k) text.continuation.push_back('a' + (5 * i + 11 * k) % 26);
      if (i % 2 == 0) text.given.prefix = static_cast<int64_t>(text.given.ids.size());
      all.push_back(std::move(text));
    }
    return all;
  }
  // By itself, token by token: each from a forward pass over what stands before it.
  static double by_itself(const Reader& reader, const AskedText& text, bool prefix) {
    at::NoGradGuard no_grad;
    auto ids = text.given.ids;
    double sum = 0;
    for (const int64_t next : text.continuation) {
      ForwardContext context;
      context.token_ids = at::tensor(ids, at::kLong).unsqueeze(0);
      context.progress = reader.progress;
      if (prefix) context.prefix = at::arange(context.S(), at::kLong).lt(text.given.prefix).unsqueeze(0);
      sum += reader.model.decoder->forward(context).logits[-1].log_softmax(-1)[next].item<double>();
      ids.push_back(next);
    }
    return sum;
  }
  TinyRun tiny_;
};

TEST_F(Likelihood, PaddedBatchesEqualEachTextByItself) {
  for (const std::string gate : {"top_k", "dselect_k", "softmax"}) {
    SCOPED_TRACE(gate);
    auto of = subject({"model.moe.gate.kind=" + gate});
    const auto reader = of.reader();
    const auto all = texts();
    const auto found = log_likelihoods(reader, all);
    ASSERT_EQ(found.size(), all.size());
    double causal_differs = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_NEAR(found[i], by_itself(reader, all[i], true), 1e-10) << i;
      // A prompt that is read left to right alone says something else.
      causal_differs = std::max(causal_differs, std::abs(found[i] - by_itself(reader, all[i], false)));
    }
    EXPECT_GT(causal_differs, 1e-6);
  }
}

TEST_F(Likelihood, GatesThatLookAroundReadOneTextAtATime) {
  auto of = subject({"model.moe.gate.kind=expert_choice", "model.moe.allow_future_leak=true"});
  const auto reader = of.reader();
  ASSERT_FALSE(reader.causal_gates);
  const auto all = texts();
  const auto together = log_likelihoods(reader, all);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(together[i], log_likelihoods(reader, {all[i]})[0]);
}

TEST_F(Likelihood, WhatDoesNotFitOrIsNoNumber) {
  auto of = subject();
  const auto reader = of.reader();
  AskedText text;
  text.given.ids.assign(16, 'a');
  text.continuation = {'b'};
  EXPECT_NO_THROW(log_likelihoods(reader, {text}));  // the last token need not be fed
  text.continuation = {'b', 'c'};
  EXPECT_THROW(log_likelihoods(reader, {text}), std::invalid_argument);
  EXPECT_THROW(log_likelihoods(reader, {AskedText{}}), std::invalid_argument);
  at::NoGradGuard no_grad;
  of.model.decoder->named_parameters()["embedding"].fill_(NAN);
  text.continuation = {'b'};
  EXPECT_THAT(message_of<RunError>([&] { log_likelihoods(reader, {text}); }), HasSubstr("are not numbers"));
}

TEST(ShortenLeft, KeepsTheModeAndTheEnd) {
  Given given{{258, 1, 2, 3, 4}, 5};
  EXPECT_EQ(shorten_left(given, 1, 3), 2);
  EXPECT_THAT(given.ids, ElementsAre(258, 3, 4));
  EXPECT_EQ(given.prefix, 3);
  EXPECT_EQ(shorten_left(given, 1, 3), 0);
  Given causal{{1, 2, 3}, 0};
  EXPECT_EQ(shorten_left(causal, 0, 1), 2);
  EXPECT_THAT(causal.ids, ElementsAre(3));
  EXPECT_EQ(causal.prefix, 0);
}

// One pass over all rows and the sum over stretches are the same figures.
TEST_F(Likelihood, LossesOfStretchesAreEvaluates) {
  auto of = subject({"train.batch_tokens=256"});
  const auto objective = denoisers_called("ul2r", of.config);
  const auto text = open_held_out(of.config, objective, tiny_.file("text.txt"));
  const int64_t tokens = 200 * 16;  // of several rows a stretch, the last one shorter
  const auto losses = objective_losses(of, text.rows, tokens);
  ASSERT_EQ(losses.size(), text.rows.size());
  ASSERT_GE(losses.size(), 4u);
  // A checkpoint that was trained by another batch has the same items.
  auto other = subject({"train.batch_tokens=16"});
  EXPECT_EQ(objective_losses(other, text.rows, tokens).front().score.items, losses.front().score.items);
  EXPECT_EQ(losses.front().objective, "causal");
  for (size_t i = 0; i < losses.size(); ++i) {
    SCOPED_TRACE(losses[i].objective);
    const auto whole = evaluate(of.model, {text.rows[i]}, tokens, 16, 16, at::kCPU, of.progress);
    EXPECT_NEAR(losses[i].score.value, whole.objectives.front().second, 1e-10);
    EXPECT_EQ(losses[i].score.items.size(), 67u);  // of 3 rows each
    EXPECT_GT(*losses[i].score.standard_error, 0);
    EXPECT_LT(*losses[i].score.standard_error, 0.1);
    const auto& loads = whole.loads.at(losses[i].objective);
    ASSERT_EQ(losses[i].load.size(), loads.size());
    for (const auto& [layer, load] : loads) {
      const auto& ours = losses[i].load.at(layer);
      EXPECT_EQ(ours.tokens_per_expert, load.tokens_per_expert);
      EXPECT_NEAR(ours.max_vio, load.max_vio, 1e-12);
      EXPECT_NEAR(ours.slots_per_token, load.slots_per_token, 1e-9);
      EXPECT_EQ(ours.dropped, 0);
    }
  }
}

// Half of the text says what the whole says, within a few of its standard errors.
TEST_F(Likelihood, StandardErrorsAreOfTheRightSize) {
  auto of = subject();
  const auto text = open_held_out(of.config, KindChoice(objective_kinds(), "causal"), tiny_.file("text.txt"));
  const auto all = objective_losses(of, text.rows, 1000 * 16).front().score;
  const auto some = objective_losses(of, text.rows, 100 * 16).front().score;
  EXPECT_LT(std::abs(all.value - some.value), 5 * *some.standard_error);
  EXPECT_LT(*all.standard_error, *some.standard_error);
  // Rows are alike but for their text: the plain formula for a mean gives about the same.
  EXPECT_NEAR(*some.standard_error, *mean_score("", false, some.items).standard_error, 1e-9);
}

TEST_F(Likelihood, DenoisersThatDoNotFitAreNamed) {
  const auto config = tiny_config(tiny_, {"model.context=2"});
  EXPECT_THAT(message_of<ConfigError>([&] { denoisers_called("ul2", config); }),
              testing::AllOf(HasSubstr("--denoisers ul2: objective.denoisers."), HasSubstr("--skip denoise")));
  EXPECT_THAT(message_of<ConfigError>([&] { denoisers_called("ul2R", config); }), HasSubstr("(did you mean 'ul2r'?)"));
  EXPECT_EQ(denoisers_called("own", config).kind, "causal");
}

}  // namespace
}  // namespace moe
