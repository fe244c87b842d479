// A task file (train/eval/task_file.h) put to a model.
#pragma once

#include <cstdint>

#include "train/eval/score.h"
#include "train/eval/subject.h"
#include "train/eval/task_file.h"
#include "train/prompt.h"

namespace moe {

struct TaskOptions {
  int64_t shots = 0;
  uint64_t seed = 1;
  PromptForm form;
};

struct TaskScores {
  Scores scores;
  int64_t shortened = 0;  // examples whose prompt lost its beginning, since it did not fit into the context
  int64_t unwritable = 0;  // examples none of whose targets an answer can be: of several lines, or too long
};

// Named after the file:
//   <name>.multiple_choice              score of the likeliest choice behind the prompt (task_prompt()); of several
//                                       equally likely ones their mean
//   <name>.multiple_choice_normalised   the same by log-likelihood per byte of the choice
//   <name>.exact_str_match              whether what is written greedily to the end of the line, without space at
//                                       either end, is one of the targets
// Only those of the metrics that the file names. A prompt that leaves no room in the context for the longest choice, or
// for 64 bytes of answer (of a small context half of it), loses its beginning, the same for all choices. Throws what
// require_task_fits() throws, and RunError when the model's figures are not numbers.
TaskScores task_scores(Subject& subject, const TaskFile& task, const TaskOptions& options);

// Throws ConfigError for more shots than other examples, RunError for a choice that is longer than the context. Costs
// no forward pass.
void require_task_fits(const Subject& subject, const TaskFile& task, const TaskOptions& options);

}  // namespace moe
