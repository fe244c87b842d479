#include "train/eval/task_prompt.h"

#include <algorithm>
#include <vector>

#include "data/permutation.h"

namespace moe {
namespace {

// Apart from each other whatever the seed.
constexpr uint64_t kOrderOfChoices = 1, kShots = 2, kAnswer = 3;

uint64_t task_key(uint64_t seed, uint64_t purpose, int64_t example) {
  return mix_bits(mix_bits(seed, purpose), static_cast<uint64_t>(example));
}

std::string question(const TaskFile& task, int64_t number, uint64_t seed) {
  const auto& example = task.examples[static_cast<size_t>(number)];
  std::string text = task.input_prefix + example.input;
  if (task.append_choices && !example.choices.empty()) {
    // Sorted first, so that the order in the file, where the right one often leads, says nothing.
    std::vector<std::string> choices;
    for (const auto& [choice, score] : example.choices) choices.push_back(choice);
    std::sort(choices.begin(), choices.end());
    const Permutation order(static_cast<int64_t>(choices.size()), task_key(seed, kOrderOfChoices, number));
    for (size_t i = 0; i < choices.size(); ++i) {
      text += task.choice_prefix + choices[static_cast<size_t>(order(static_cast<int64_t>(i)))];
    }
  }
  return text + task.output_prefix;
}

}  // namespace

std::string task_prompt(const TaskFile& task, int64_t example, int64_t shots, uint64_t seed) {
  std::string text = task.task_prefix;
  if (shots > 0) {
    const auto others = static_cast<int64_t>(task.examples.size()) - 1;
    const Permutation order(others, task_key(seed, kShots, example));
    for (int64_t shot = 0; shot < shots; ++shot) {
      const int64_t drawn = order(shot);
      const int64_t number = drawn < example ? drawn : drawn + 1;
      const auto& targets = task.examples[static_cast<size_t>(number)].targets;
      const auto answer = task_key(seed, kAnswer, number) % targets.size();
      text += question(task, number, seed) + targets[answer] + task.separator;
    }
  }
  return text + question(task, example, seed);
}

}  // namespace moe
