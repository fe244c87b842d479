#include "train/eval/task_scores.h"

#include <algorithm>

#include "configs/errors.h"
#include "data/printable.h"
#include "train/eval/likelihood.h"
#include "train/eval/task_prompt.h"
#include "train/sampling.h"

namespace moe {
namespace {

constexpr int64_t kLongestAnswer = 64;  // bytes that are written

// Ids in front of every prompt, which stay when it is shortened.
int64_t kept_ids(const Subject& subject, const TaskOptions& options) {
  return static_cast<int64_t>(mode_ids(*subject.tokenizer, options.form.mode).size());
}

std::vector<std::vector<int64_t>> choices_of(const Subject& subject, const TaskExample& example) {
  std::vector<std::vector<int64_t>> choices;
  for (const auto& [choice, score] : example.choices) choices.push_back(subject.tokenizer->encode(choice));
  return choices;
}

// Ids of a prompt that the context holds before all but the last token of any of them.
int64_t room_before(const Subject& subject, const std::vector<std::vector<int64_t>>& choices) {
  size_t longest = 0;
  for (const auto& choice : choices) longest = std::max(longest, choice.size());
  return subject.config.model.context - static_cast<int64_t>(longest) + 1;
}

int64_t answer_tokens(const Subject& subject) {
  return std::min(kLongestAnswer, std::max<int64_t>(1, subject.config.model.context / 2));
}

// The prompt of an example, shortened to `room` ids; adds to `shortened` where it had to be.
Given prompt_of(const Subject& subject, const TaskFile& task, const TaskOptions& options, size_t example, int64_t room,
                int64_t& shortened) {
  const auto text = task_prompt(task, static_cast<int64_t>(example), options.shots, options.seed);
  auto given = given_prompt(*subject.tokenizer, text, options.form);
  if (shorten_left(given, kept_ids(subject, options), room) > 0) ++shortened;
  return given;
}

// Mean score of the choices with the largest figure.
double score_of_best(const TaskExample& example, const std::vector<double>& figures) {
  const double best = *std::max_element(figures.begin(), figures.end());
  double score = 0, count = 0;
  for (size_t i = 0; i < figures.size(); ++i) {
    if (figures[i] == best) {
      score += example.choices[i].second;
      ++count;
    }
  }
  return score / count;
}

void score_choices(Subject& subject, const TaskFile& task, const TaskOptions& options, TaskScores& result) {
  constexpr size_t kExamplesAtOnce = 1024;  // prompts of long contexts take memory
  std::vector<double> nats;                 // of all choices of all examples, in order
  std::vector<AskedText> texts;
  for (size_t i = 0; i < task.examples.size(); ++i) {
    auto choices = choices_of(subject, task.examples[i]);
    const auto given = prompt_of(subject, task, options, i, room_before(subject, choices), result.shortened);
    for (auto& choice : choices) texts.push_back({given, std::move(choice)});
    if (i + 1 == task.examples.size() || (i + 1) % kExamplesAtOnce == 0) {
      const auto of_these = log_likelihoods(subject.reader(), texts);
      nats.insert(nats.end(), of_these.begin(), of_these.end());
      texts.clear();
    }
  }
  std::vector<double> plain, normalised;
  auto at = nats.begin();
  for (const auto& example : task.examples) {
    std::vector<double> sums, per_byte;
    for (const auto& [choice, score] : example.choices) {
      sums.push_back(*at++);
      per_byte.push_back(sums.back() / static_cast<double>(choice.size()));
    }
    plain.push_back(score_of_best(example, sums));
    normalised.push_back(score_of_best(example, per_byte));
  }
  result.scores.emplace_back(task.name + ".multiple_choice", mean_score("accuracy", true, std::move(plain)));
  result.scores.emplace_back(task.name + ".multiple_choice_normalised",
                             mean_score("accuracy by likelihood per byte", true, std::move(normalised)));
}

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

void score_answers(Subject& subject, const TaskFile& task, const TaskOptions& options, TaskScores& result) {
  const auto& tokenizer = *subject.tokenizer;
  const auto reader = subject.reader();
  DecodeOptions decoding;
  decoding.tokens = answer_tokens(subject);
  decoding.end = tokenizer.end_id();
  decoding.allowed = continuation_ids(tokenizer);
  decoding.stops = tokenizer.encode("\n");
  std::vector<double> items;
  int64_t shortened = 0;
  for (size_t i = 0; i < task.examples.size(); ++i) {
    const auto given = prompt_of(subject, task, options, i, reader.context - decoding.tokens + 1, shortened);
    const auto answer = trimmed(tokenizer.decode(decode(reader, given, decoding).ids));
    const auto& targets = task.examples[i].targets;
    result.unwritable += std::none_of(targets.begin(), targets.end(), [&](const auto& target) {
      const auto text = trimmed(target);
      return text.find('\n') == std::string::npos &&
             static_cast<int64_t>(tokenizer.encode(text).size()) <= decoding.tokens;
    });
    items.push_back(std::any_of(targets.begin(), targets.end(),
                                [&](const auto& target) { return trimmed(target) == answer; })
                        ? 1
                        : 0);
  }
  result.shortened = std::max(result.shortened, shortened);
  result.scores.emplace_back(task.name + ".exact_str_match", mean_score("exact match", true, std::move(items)));
}

}  // namespace

void require_task_fits(const Subject& subject, const TaskFile& task, const TaskOptions& options) {
  const auto others = static_cast<int64_t>(task.examples.size()) - 1;
  if (options.shots < 0 || options.shots > others) {
    throw ConfigError("--shots: expected a number from 0 to " + std::to_string(others) + ", as many as " +
                      in_quotes(task.path) + " has other examples, found " + std::to_string(options.shots));
  }
  const int64_t context = subject.config.model.context, least = kept_ids(subject, options) + 1;
  for (size_t i = 0; task.multiple_choice && i < task.examples.size(); ++i) {
    if (room_before(subject, choices_of(subject, task.examples[i])) < least) {
      throw RunError("--task: " + in_quotes(task.path) + ": examples[" + std::to_string(i) +
                     "]: expected choices that fit into the model's context of " + std::to_string(context) +
                     " tokens behind one token of the prompt, found a longer one");
    }
  }
  if (task.exact_match && context - answer_tokens(subject) + 1 < least) {
    throw RunError("--task: " + in_quotes(task.path) +
                   ": expected a model whose context holds one token of the prompt beside the answer, found one of " +
                   std::to_string(context) + " tokens");
  }
}

TaskScores task_scores(Subject& subject, const TaskFile& task, const TaskOptions& options) {
  require_task_fits(subject, task, options);
  TaskScores result;
  if (task.multiple_choice) {
    use_threads_for_rows(subject);
    score_choices(subject, task, options, result);
  }
  if (task.exact_match) {
    use_threads_for_tokens(subject);
    score_answers(subject, task, options, result);
  }
  return result;
}

}  // namespace moe
