// A task from a JSON file in the format of BIG-bench (Srivastava et al. 2022, arXiv 2206.04615).
//
//   examples                      a list of {input, target, target_scores}: target a text or a list of texts that are
//                                 right, target_scores {choice: its score}
//   metrics                       a list; of it multiple_choice_grade and exact_str_match are scored here
//   preferred_score               one of them; the first that is scored here where it is left out
//   name, description, keywords   what people read
//   task_prefix                   before everything (default: nothing)
//   example_input_prefix          (default: "\nQ: ")
//   example_output_prefix         (default: "\nA: ")
//   append_choices_to_input       whether choices are listed behind the input (default: true)
//   choice_prefix                 before each of them (default: "\n  choice: ")
//   few_shot_example_separator    (default: "\n")
//
// Other keys are left alone. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moe {

struct TaskExample {
  std::string input;
  std::vector<std::string> targets;                      // right answers; the best choices where the file has none
  std::vector<std::pair<std::string, double>> choices;   // and their scores; empty where there is no choice
};

struct TaskFile {
  std::string path, sha256;  // of the file's bytes
  std::string name;          // the file's, without folder and ".json": what records call the task
  std::string title;         // `name` in the file
  std::string preferred_score;
  bool multiple_choice = false, exact_match = false;  // which metrics are scored
  std::vector<std::string> not_scored;                // the other ones
  std::string task_prefix, input_prefix = "\nQ: ", output_prefix = "\nA: ", choice_prefix = "\n  choice: ",
                           separator = "\n";
  bool append_choices = true;
  std::vector<TaskExample> examples;  // at least one
};

// Throws RunError naming file, place in it ("examples[3].target_scores"), expectation and what was found.
TaskFile read_task(const std::string& path);

}  // namespace moe
