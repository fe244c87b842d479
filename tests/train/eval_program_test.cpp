// moe-eval as a program: what it prints, records, writes and refuses.
#include <gmock/gmock.h>

#include <filesystem>

#include "data/formats/metrics_file.h"
#include "tests/support/eval_run.h"

namespace moe {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST_F(Eval, TheProgramRepeatsItself) {
  const auto arguments = fast({"--task", "sums.json", "--json", "--seed", "4"});
  const auto first = program(arguments), second = program(arguments);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
  const auto report = Json::parse(first.out);
  ASSERT_EQ(report.at("checkpoints").size(), 1u);
  const auto& tasks = report.at("checkpoints")[0].at("tasks");
  EXPECT_EQ(tasks.at("sums.multiple_choice").at("n"), 12);
  EXPECT_EQ(tasks.at("sums.multiple_choice").at("better"), "higher");
  EXPECT_EQ(tasks.at("causal.bits_per_byte").at("better"), "lower");
  EXPECT_EQ(report.at("checkpoints")[0].at("settings").at("seed"), 4);
  EXPECT_THAT(first.err, HasSubstr("filling blanks of 4 texts"));
}

TEST_F(Eval, RecordsStandBesideTheRun) {
  auto skipping = fast({"--record", "--skip", "infill,prefix"});
  ASSERT_EQ(program(skipping).code, 0);
  skipping[0] = "run/checkpoints/step-00000005/";
  const auto again = program(skipping);
  ASSERT_EQ(again.code, 0) << again.err;
  const auto records = read_metrics(tiny_->file("run/eval.jsonl"));
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].at("step"), 5);
  EXPECT_EQ(records[0].at("tasks"), records[1].at("tasks"));
  EXPECT_THAT(records[0].at("load").at("causal"), SizeIs(2));
  EXPECT_FALSE(records[0].at("tasks").contains("prefix.loss"));
  // A checkpoint by itself belongs to no run.
  std::filesystem::copy(tiny_->file("run/checkpoints/step-00000005"), tiny_->file("alone"));
  const auto refused = program({"alone", "--record"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--record: expected a checkpoint below checkpoints/ of a run's folder"));
  EXPECT_EQ(program({"alone", "--tokens", "96", "--skip", "denoise,infill,prefix"}).code, 0);
}

TEST_F(Eval, MakesATaskAndTakesIt) {
  const std::vector<std::string> make = {"run", "--make-task", "continuation", "--items", "20", "--out", "next.json"};
  const auto made = program(make);
  ASSERT_EQ(made.code, 0) << made.err;
  const auto bytes = read_bytes(tiny_->file("next.json"));
  ASSERT_EQ(program(make).code, 0);
  EXPECT_EQ(bytes, read_bytes(tiny_->file("next.json")));
  auto options = small();
  options.skip = {"denoise", "infill", "prefix"};
  options.tasks = {tiny_->file("next.json")};
  const auto scores = evaluate_checkpoint(tiny_->file("run"), options);
  EXPECT_GT(score(scores, "next.multiple_choice").items.size(), 3u);
  EXPECT_THAT(made.out, HasSubstr(std::to_string(score(scores, "next.multiple_choice").items.size()) + " examples"));
}

TEST_F(Eval, TheProgramNamesWhatIsWrong) {
  tiny_->files().write_file("bad.json", R"({"metrics": ["multiple_choice_grade"], "examples": [{"input": 1}]})");
  const auto bad = program({"run", "--task", "bad.json"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("moe-eval: --task: 'bad.json': examples[0].input: expected a text, found '1'"));
  EXPECT_EQ(program({"run", "--denoisers", "ul3"}).code, 2);
  // What needs no model's figures costs none.
  const auto shots = program({"run", "--task", "sums.json", "--shots", "12"});
  EXPECT_EQ(shots.code, 2);
  EXPECT_THAT(shots.err, HasSubstr("--shots: expected a number from 0 to 11"));
  EXPECT_THAT(shots.err, testing::Not(HasSubstr("losses of")));
  tiny_->files().write_file("long.json", R"({"metrics": ["multiple_choice_grade"], "examples": [{"input": "a",
      "target_scores": {"no": 0, ")" + std::string(60, 'y') + R"(": 1}}]})");
  const auto longer = program({"run", "--task", "long.json"});
  EXPECT_EQ(longer.code, 1);
  EXPECT_THAT(longer.err, HasSubstr("examples[0]: expected choices that fit into the model's context of 48 tokens"));
  EXPECT_THAT(longer.err, testing::Not(HasSubstr("losses of")));
  EXPECT_EQ(program({"run", "--logits", "out.safetensors"}).code, 2);
  EXPECT_EQ(program({"run", "run", "--make-task", "continuation", "--out", "x.json"}).code, 2);
  EXPECT_EQ(program({"run", "--make-task", "else", "--out", "x.json"}).code, 2);
  EXPECT_EQ(program({"nowhere"}).code, 1);
  const auto gone = program({"run", "--data", "gone.txt"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("--data: 'gone.txt'"));
  tiny_->files().write_file("ids.json", "[[1, 2, 3]]");
  const auto logits = program({"run", "--token-ids", "ids.json", "--logits", "out.safetensors", "--json"});
  ASSERT_EQ(logits.code, 0) << logits.err;
  EXPECT_EQ(Json::parse(logits.out).at("shape"), Json({1, 3, 512}));
  EXPECT_THAT(program({"--help"}).out, HasSubstr("--task"));
}

}  // namespace
}  // namespace moe
