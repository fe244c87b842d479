// Tasks in BIG-bench's format: what is read, what is refused and where, and what a model is asked.
#include <gmock/gmock.h>

#include <set>

#include "configs/errors.h"
#include "tests/support/temp_dir.h"
#include "train/eval/task_file.h"
#include "train/eval/task_prompt.h"

namespace moe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

class TaskFiles : public testing::Test {
 protected:
  TaskFile read(const std::string& text) const { return read_task(files_.write_file("a_task.json", text)); }
  // What the message says after the file's name.
  std::string refusal(const std::string& text) const {
    const auto message = message_of<RunError>([&] { read(text); });
    const std::string begin = "--task: '" + files_.file("a_task.json") + "': ";
    EXPECT_THAT(message, testing::StartsWith(begin));
    return message.substr(std::min(message.size(), begin.size()));
  }
  static std::string choice_task(const std::string& more = "") {
    return R"({"name": "Sums", "description": "d", "keywords": ["k"], "metrics": ["multiple_choice_grade"],
               "preferred_score": "multiple_choice_grade", )" +
           more + R"("examples": [
      {"input": "1 + 1", "target_scores": {"2": 1, "3": 0}},
      {"input": "1 + 2", "target_scores": {"3": 1, "5": 0, "three": 1}},
      {"input": "2 + 2", "target_scores": {"4": 1, "5": 0.25}}]})";
  }
  TempDir files_;
};

TEST_F(TaskFiles, DefaultsAreBigBenchs) {
  const auto task = read(choice_task());
  EXPECT_EQ(task.name, "a_task");
  EXPECT_EQ(task.title, "Sums");
  EXPECT_THAT(task.sha256, SizeIs(64));
  EXPECT_TRUE(task.multiple_choice);
  EXPECT_FALSE(task.exact_match);
  ASSERT_THAT(task.examples, SizeIs(3));
  EXPECT_THAT(task.examples[2].choices, ElementsAre(Pair("4", 1), Pair("5", 0.25)));
  EXPECT_THAT(task.examples[1].targets, ElementsAre("3", "three"));
  const auto prompt = task_prompt(task, 0, 0, 1);
  EXPECT_THAT(prompt, testing::AnyOf("\nQ: 1 + 1\n  choice: 2\n  choice: 3\nA: ",
                                     "\nQ: 1 + 1\n  choice: 3\n  choice: 2\nA: "));
}

TEST_F(TaskFiles, EverythingAroundAnExampleIsTheFiles) {
  const auto task = read(choice_task(R"("task_prefix": "Add. ", "example_input_prefix": "<",
      "example_output_prefix": ">", "choice_prefix": "|", "few_shot_example_separator": "#",
      "append_choices_to_input": false, )"));
  EXPECT_EQ(task_prompt(task, 2, 0, 1), "Add. <2 + 2>");
  const auto two = task_prompt(task, 2, 2, 1);
  const std::string one = "<1 \\+ 1>2#", other = "<1 \\+ 2>(3|three)#";
  EXPECT_THAT(two, testing::MatchesRegex("Add\\. (" + one + other + "|" + other + one + ")<2 \\+ 2>"));
}

TEST_F(TaskFiles, ShotsAndOrdersFollowTheSeedAlone) {
  std::string examples;
  for (int i = 0; i < 30; ++i) {
    examples += (i > 0 ? "," : "") + std::string(R"({"input": "i)") + std::to_string(i) +
                R"(", "target_scores": {"a": 1, "b": 0, "c": 0}})";
  }
  const auto task = read(R"({"metrics": ["multiple_choice_grade"], "examples": [)" + examples + "]}");
  std::set<std::string> shots, orders;
  for (int64_t example = 0; example < 30; ++example) {
    const auto prompt = task_prompt(task, example, 3, 5);
    EXPECT_EQ(prompt, task_prompt(task, example, 3, 5));
    EXPECT_NE(prompt, task_prompt(task, example, 3, 6));
    // Itself only once, at the end.
    const auto own = "Q: i" + std::to_string(example) + "\n";
    EXPECT_EQ(prompt.find(own), prompt.rfind(own));
    EXPECT_GT(prompt.rfind(own), prompt.size() / 2);
    shots.insert(prompt.substr(0, prompt.find('\n', 1)));
    const auto alone = task_prompt(task, example, 0, 5);
    orders.insert(alone.substr(alone.find('\n', 1)));
    EXPECT_THAT(prompt, testing::EndsWith(alone));  // choices in the same order with shots and without
  }
  EXPECT_GT(shots.size(), 10u);
  EXPECT_THAT(orders, SizeIs(6));  // all orders of three
}

TEST_F(TaskFiles, AllOtherExamplesCanBeShots) {
  const auto task = read(choice_task());
  for (int64_t example = 0; example < 3; ++example) {
    const auto prompt = task_prompt(task, example, 2, 9);
    for (const char* input : {"1 + 1", "1 + 2", "2 + 2"}) {
      EXPECT_EQ(prompt.find(input), prompt.rfind(input)) << prompt;
      EXPECT_NE(prompt.find(input), std::string::npos) << prompt;
    }
  }
}

TEST_F(TaskFiles, TargetsOfExactMatch) {
  const auto task = read(R"({"metrics": ["exact_str_match", "bleu"], "examples": [{"input": "a", "target": "x"},
      {"input": "b", "target": ["y", "z"]}]})");
  EXPECT_TRUE(task.exact_match);
  EXPECT_FALSE(task.multiple_choice);
  EXPECT_THAT(task.not_scored, ElementsAre("bleu"));
  EXPECT_EQ(task.preferred_score, "exact_str_match");
  EXPECT_THAT(task.examples[1].targets, ElementsAre("y", "z"));
  EXPECT_EQ(task_prompt(task, 0, 0, 1), "\nQ: a\nA: ");
}

TEST_F(TaskFiles, WhatDoesNotFitIsNamed) {
  const auto with = [](const std::string& examples) {
    return R"({"metrics": ["multiple_choice_grade"], "examples": )" + examples + "}";
  };
  EXPECT_EQ(refusal("{}"), "metrics: expected a list with multiple_choice_grade or exact_str_match, found none");
  EXPECT_EQ(refusal(R"({"metrics": ["bleu"], "examples": []})"),
            "metrics: expected a list with multiple_choice_grade or exact_str_match, found '[\"bleu\"]'");
  EXPECT_EQ(refusal(R"({"metrics": ["exact_str_match"]})"), "examples: expected a list of examples, found none");
  EXPECT_EQ(refusal(with("[]")), "examples: expected a list of examples, found '[]'");
  EXPECT_EQ(refusal(with("[7]")), "examples[0]: expected an object, found '7'");
  EXPECT_EQ(refusal(with(R"([{"target": "x"}])")), "examples[0].input: expected a text, found none");
  EXPECT_EQ(refusal(with(R"([{"input": 3}])")), "examples[0].input: expected a text, found '3'");
  EXPECT_EQ(refusal(with(R"([{"input": "a", "target_scores": {"x": 1, "y": 0}}, {"input": "a", "target": "x"}])")),
            "examples[1].target_scores: expected an object of choices, since metrics has multiple_choice_grade, found "
            "none");
  EXPECT_EQ(refusal(with(R"([{"input": "a", "target_scores": {"x": 1}}])")),
            "examples[0].target_scores: expected an object of at least two choices, found '{\"x\":1}'");
  EXPECT_EQ(refusal(with(R"([{"input": "a", "target_scores": {"x": 1, "y": "no"}}])")),
            "examples[0].target_scores.y: expected a finite number, found '\"no\"'");
  EXPECT_EQ(refusal(R"({"metrics": ["exact_str_match"], "examples": [{"input": "a"}]})"),
            "examples[0].target: expected a text or a list of texts, found none");
  EXPECT_EQ(refusal(R"({"metrics": ["exact_str_match"], "examples": [{"input": "a", "target": ["x", 1]}]})"),
            "examples[0].target[1]: expected a text, found '1'");
  EXPECT_EQ(refusal(choice_task(R"("append_choices_to_input": "yes", )")),
            "append_choices_to_input: expected true or false, found '\"yes\"'");
  EXPECT_EQ(refusal(choice_task(R"("task_prefix": 1, )")), "task_prefix: expected a text, found '1'");
  EXPECT_THAT(refusal("{"), HasSubstr("expected JSON, found an error at byte"));
  EXPECT_THAT(message_of<RunError>([&] { read_task(files_.file("none.json")); }), HasSubstr("none.json"));
}

}  // namespace
}  // namespace moe
