// Figures of a small run, each against another way to get it.
#include "train/eval/eval.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <thread>

#include "configs/errors.h"
#include "data/formats/metrics_file.h"
#include "data/formats/safetensors.h"
#include "data/open_data.h"
#include "tests/support/eval_run.h"
#include "train/checkpoint.h"
#include "train/context.h"
#include "train/eval/held_out.h"
#include "train/eval/likelihood.h"
#include "train/eval/logits_file.h"
#include "train/eval/losses.h"
#include "train/eval/task_prompt.h"
#include "train/eval/task_scores.h"
#include "train/evaluate.h"

namespace moe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

TEST_F(Eval, EveryPartHasItsFigures) {
  auto options = small();
  options.tasks = {tiny_->file("sums.json")};
  options.shots = 1;
  const auto scores = evaluate_checkpoint(tiny_->file("run"), options);
  std::vector<std::string> names;
  for (const auto& [name, found] : scores.scores) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre(
                         "causal.bits_per_byte", "denoise.s.loss", "denoise.r_3_15.loss", "denoise.x_32_15.loss",
                         "denoise.x_32_50.loss", "infill.single.exact_match", "infill.single.edit_distance",
                         "infill.multiple.exact_match", "infill.multiple.edit_distance", "prefix.exact_match",
                         "prefix.edit_distance", "prefix.loss", "sums.multiple_choice",
                         "sums.multiple_choice_normalised", "sums.exact_str_match"));
  EXPECT_EQ(scores.step, 5);
  EXPECT_EQ(scores.run, tiny_->file("run"));
  EXPECT_EQ(scores.settings.at("context"), 48);
  EXPECT_FALSE(scores.settings.contains("own"));
  EXPECT_THAT(score(scores, "sums.multiple_choice").items, SizeIs(12));
  EXPECT_THAT(score(scores, "infill.single.exact_match").items, SizeIs(6));
  EXPECT_THAT(scores.load, SizeIs(5));
  EXPECT_THAT(scores.load.at("s").at(1).tokens_per_expert, SizeIs(4));
  EXPECT_NEAR(score(scores, "causal.bits_per_byte").value * std::log(2), scores.loss, 1e-12);
  EXPECT_THAT(scores_text({scores, scores}),
              AllOf(HasSubstr("(2) "), HasSubstr("sums.exact_str_match"), HasSubstr("max_vio of layer")));
}

TEST_F(Eval, NoMoreBlanksThanTheObjectiveHasSentinels) {
  auto config = tiny_config(*tiny_, {"train.steps=1", "model.context=48", "train.batch_tokens=96",
                                     "objective={kind: span_corruption, mean_span: 16, sentinels: 2}"});
  config.run.dir = tiny_->file("two");
  ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
  auto options = small();
  options.skip = {"denoise", "prefix"};
  const auto scores = evaluate_checkpoint(tiny_->file("two"), options);
  EXPECT_THAT(scores.scores, SizeIs(3));  // of one blank alone
  EXPECT_THAT(scores.notes, testing::ElementsAre("texts of 3 blanks are left out: objective.sentinels is 2"));
}

TEST_F(Eval, CheckpointsInDoubleAreReadAsTheyAre) {
  auto config = tiny_config(*tiny_, {"train.steps=1", "model.context=48", "train.batch_tokens=96", "train.dtype=fp64"});
  config.run.dir = tiny_->file("double");
  ASSERT_EQ(run_training(config, ResumeMode::kAuto, {}), RunEnd::kFinished);
  auto options = small();
  options.skip = {"denoise", "infill", "prefix"};
  EXPECT_THAT(evaluate_checkpoint(tiny_->file("double"), options).scores, SizeIs(1));
  const auto subject = open_subject(tiny_->file("double"));
  EXPECT_EQ(subject.model.decoder->parameters().front().scalar_type(), at::kDouble);
}

// The loss is that of the run's last validation row.
TEST_F(Eval, TheCausalLossIsTheRuns) {
  auto options = small();
  options.tokens = 128;  // train.eval_tokens
  options.skip = {"denoise", "infill", "prefix"};
  const auto scores = evaluate_checkpoint(tiny_->file("run"), options);
  double last = 0;
  for (const auto& row : tiny_->rows("run")) {
    if (row.at("split") == "valid") last = row.at("objectives").at("causal");
  }
  EXPECT_NEAR(scores.loss, last, 1e-5);
  EXPECT_THAT(scores.scores, SizeIs(1));
}

// Pairs of items are tested for the change of the value, so theirs is the same mean.
TEST_F(Eval, ItemsOfSourcesCountByShare) {
  auto subject = open_subject(tiny_->file("run"));
  const auto text = open_held_out(subject.config, subject.config.objective, "");
  std::vector<ValidationRows> rows = {text.rows.at(0), text.rows.at(1)};
  for (auto& source : rows) source.objective = "causal";
  rows[0].share = 0.9, rows[1].share = 0.1;
  const auto losses = objective_losses(subject, rows, 480);
  ASSERT_THAT(losses, SizeIs(1));
  const auto& items = losses[0].score.items;
  ASSERT_GT(items.size(), 4u);
  const double mean_item = std::accumulate(items.begin(), items.end(), 0.0) / static_cast<double>(items.size());
  EXPECT_NEAR(mean_item, losses[0].score.value, 1e-9);
}

TEST_F(Eval, SourcesOfOtherSharesAreOtherText) {
  auto subject = open_subject(tiny_->file("run"));
  auto& data = subject.config.data;
  SourceConfig a, b;
  a.train = data.train;
  b.train = {tiny_->files().write_file("other.txt", read_bytes(data.train.at(0)))};
  data.train.clear();
  const auto rows_of = [&](double weight) {
    a.weight = weight;
    data.sources = {{"a", a}, {"b", b}};
    return open_held_out(subject.config, subject.config.objective, "").source.at("rows");
  };
  EXPECT_EQ(rows_of(2), rows_of(2));
  EXPECT_NE(rows_of(2), rows_of(3));
}

TEST_F(Eval, LogitsAreTheEvaluationsBitForBit) {
  auto subject = open_subject(tiny_->file("run"));
  const auto text = open_held_out(subject.config, subject.config.objective, "");
  for (const auto& rows : text.rows) {
    SCOPED_TRACE(rows.objective);
    const auto batch = rows.rows->batch(0, 2);
    Json ids = Json::object();
    const auto plane = [&](const auto& values) {
      auto all = Json::array();
      for (int64_t row = 0; row < batch.rows; ++row) {
        const auto begin = values.begin() + row * batch.length;
        all.push_back(std::vector<int64_t>(begin, begin + batch.length));
      }
      return all;
    };
    ids["token_ids"] = plane(batch.tokens);
    if (!batch.positions.empty()) ids["positions"] = plane(batch.positions);
    if (!batch.segments.empty()) ids["segments"] = plane(batch.segments);
    if (!batch.prefix.empty()) {
      for (int64_t row = 0; row < batch.rows; ++row) {
        const auto begin = batch.prefix.begin() + row * batch.length;
        ids["prefix"].push_back(std::count(begin, begin + batch.length, 1));
      }
    }
    const auto in = tiny_->files().write_file("ids.json", ids.dump());
    const auto out = tiny_->file("logits-" + rows.objective + ".safetensors");
    const auto written = write_logits(subject, in, out);
    const int64_t vocabulary = subject.tokenizer->vocabulary();
    EXPECT_EQ(written.at("shape"), Json({2, 48, vocabulary}));
    const SafetensorsFile file(out);
    ASSERT_EQ(file.info("logits").shape, (std::vector<int64_t>{2, 48, vocabulary}));
    auto logits = at::empty({2 * 48, vocabulary}, at::kFloat);
    file.read("logits", logits.data_ptr(), logits.nbytes());
    if (!batch.valid.empty()) continue;  // padding cannot be written down
    // The loss of a validation over the same rows is that of these logits, to the last bit.
    ValidationRows same = rows;
    same.share = 1;
    const auto loss = evaluate(subject.model, {same}, 2 * 48, 2, 48, at::kCPU, subject.progress).objectives[0].second;
    const auto sum = cross_entropy_sum(logits, make_targets(batch, at::kCPU)).to(at::kDouble).item<double>();
    EXPECT_EQ(sum / static_cast<double>(batch.target_tokens), loss);
    // And of a wrong variant it is not: other positions, or no prefix.
    ForwardContext wrong;
    wrong.token_ids = at::tensor(batch.tokens, at::kLong).view({2, 48});
    wrong.positions = at::arange(48).flip(0).expand({2, 48});
    wrong.progress = subject.progress;
    at::NoGradGuard no_grad;
    EXPECT_FALSE(at::equal(subject.model.decoder->forward(wrong).logits, logits));
  }
}

TEST_F(Eval, SettingsHaveWhatOwnDenoisersAre) {
  auto options = small();
  options.denoisers = "own";
  options.tokens = 96;
  options.skip = {"infill", "prefix"};
  const auto own = evaluate_checkpoint(tiny_->file("run"), options).settings.at("own");
  ASSERT_THAT(own.at("denoisers"), SizeIs(4));
  const Json r = {
      {"name", "r_3_15"}, {"kind", "span_corruption"}, {"mean_span", 3.0}, {"rate", 0.15}, {"mode", "nlu"}};
  EXPECT_EQ(own.at("denoisers")[1], r);
}

TEST_F(Eval, LogitsThatWouldFillTheMemoryAreRefused) {
  auto subject = open_subject(tiny_->file("run"));
  std::string row = "[0";
  for (int i = 1; i < 48; ++i) row += ",0";
  std::string rows = row + "]";
  for (int i = 1; i < 10923; ++i) rows += "," + row + "]";  // 2^28 / 48 / 512 is 10922.7
  const auto ids = tiny_->files().write_file("many.json", "[" + rows + "]");
  EXPECT_THAT(message_of<RunError>([&] { write_logits(subject, ids, tiny_->file("many.safetensors")); }),
              HasSubstr("expected at most 268435456 logits (rows x length x vocabulary), found 10923 x 48 x 512; "));
  EXPECT_FALSE(std::filesystem::exists(tiny_->file("many.safetensors")));
}

TEST_F(Eval, RecordsOfSeveralAtOnceStayWhole) {
  CheckpointScores scores;
  scores.run = tiny_->file("recorded");
  std::filesystem::create_directories(scores.run);
  scores.scores = {{"t", mean_score("accuracy", true, std::vector<double>(20000, 0.5))}};
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&scores] {
      for (int line = 0; line < 4; ++line) record_scores(scores);
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_THAT(read_metrics(tiny_->file("recorded/eval.jsonl")), SizeIs(16));
}

// Against likelihoods that are taken one by one.
TEST_F(Eval, ChoicesAreRankedByLikelihood) {
  auto subject = open_subject(tiny_->file("run"));
  const auto reader = subject.reader();
  const auto task = read_task(tiny_->file("sums.json"));
  TaskOptions options{0, 1, prompt_form(subject.objective(), "auto", "auto")};
  ASSERT_TRUE(options.form.bidirectional);
  ASSERT_EQ(options.form.mode, "s2s");
  const auto taken = task_scores(subject, task, options);
  ASSERT_THAT(taken.scores, SizeIs(3));
  for (size_t i = 0; i < task.examples.size(); ++i) {
    double best = -1e9, best_per_byte = -1e9, expected = 0, expected_per_byte = 0;
    auto given = given_prompt(*subject.tokenizer, task_prompt(task, static_cast<int64_t>(i), 0, 1), options.form);
    shorten_left(given, 1, 48 - static_cast<int64_t>(std::string("some other text").size()) + 1);
    for (const auto& [choice, value] : task.examples[i].choices) {
      const double nats = log_likelihoods(reader, {{given, subject.tokenizer->encode(choice)}})[0];
      const double per_byte = nats / static_cast<double>(choice.size());
      if (nats > best) best = nats, expected = value;
      if (per_byte > best_per_byte) best_per_byte = per_byte, expected_per_byte = value;
    }
    EXPECT_EQ(taken.scores[0].second.items[i], expected) << i;
    EXPECT_EQ(taken.scores[1].second.items[i], expected_per_byte) << i;
  }
  EXPECT_EQ(taken.shortened, 12);  // three choices are listed
  options.shots = 12;
  EXPECT_THAT(message_of<ConfigError>([&] { task_scores(subject, task, options); }),
              HasSubstr("--shots: expected a number from 0 to 11"));
}

// A model without attention and feed-forwards says of every byte what follows it: x after a space, and the end of the
// line after x.
TEST_F(Eval, AnswersEndWithTheirLine) {
  Subject subject;
  subject.config = tiny_config(*tiny_, {"model.context=48", "train.batch_tokens=96", "model.tie_embeddings=false"});
  subject.tokenizer = make_tokenizer("byte");
  subject.model = build_model(subject.config.model, subject.tokenizer->vocabulary(), Initializer(1));
  at::NoGradGuard no_grad;
  for (auto& item : subject.model.decoder->named_parameters()) {
    auto value = item.value();
    if (item.key().find("norm") == std::string::npos) value.zero_();
    if (item.key() == "embedding") {
      value[' '][0] = 1;
      value['x'][1] = 1;
    }
    if (item.key() == "head") {
      value['x'][0] = 9;
      value['\n'][1] = 9;
    }
  }
  const auto task = tiny_->files().write_file("x.json", R"({"metrics": ["exact_str_match"], "examples": [
      {"input": "a", "target": "x"}, {"input": "b", "target": ["y", " x "]}, {"input": "c", "target": "xx"}]})");
  const auto taken = task_scores(subject, read_task(task), {0, 1, PromptForm{}});
  EXPECT_EQ(taken.scores.at(0).first, "x.exact_str_match");
  EXPECT_EQ(taken.scores.at(0).second.items, (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(taken.unwritable, 0);
  const auto hard = tiny_->files().write_file("hard.json", R"({"metrics": ["exact_str_match"], "examples": [
      {"input": "a", "target": "x\ny"}, {"input": "b", "target": ["x\n", "x\ny"]},
      {"input": "c", "target": "as long as half of the context"}]})");
  EXPECT_EQ(task_scores(subject, read_task(hard), {0, 1, PromptForm{}}).unwritable, 2);
}

TEST_F(Eval, OptionsAreChecked) {
  const auto message = [](auto change) {
    EvalOptions options;
    change(options);
    return message_of<ConfigError>([&] { options.check(); });
  };
  EXPECT_EQ(message([](auto& o) { o.tokens = 0; }), "--tokens: expected an integer from 1 to 1099511627776, found 0");
  EXPECT_EQ(message([](auto& o) { o.skip = {"infil"}; }),
            "--skip: expected denoise, infill or prefix, found 'infil' (did you mean 'infill'?)");
  EXPECT_THAT(message([](auto& o) { o.prefix_attention = "both"; }), HasSubstr("--prefix-attention: expected auto"));
  EXPECT_THAT(message([](auto& o) { o.mode = "s2z"; }), HasSubstr("(did you mean 's2s'?)"));
  auto options = small();
  tiny_->files().write_file("sums.txt", read_bytes(tiny_->file("sums.json")));
  options.tasks = {tiny_->file("sums.json"), tiny_->file("sums.txt")};
  EXPECT_THAT(message_of<ConfigError>([&] { evaluate_checkpoint(tiny_->file("run"), options); }),
              HasSubstr("--task: expected files of different names"));
}

}  // namespace
}  // namespace moe
