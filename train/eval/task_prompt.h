// What a model is asked of a task, as BIG-bench puts it together. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>

#include "train/eval/task_file.h"

namespace moe {

// task_prefix, `shots` other examples with an answer that is right, a separator after each, and the example without
// its answer. Which examples, and the order in which choices are listed, are a function of the seed and the example's
// number. Requires shots < number of examples.
std::string task_prompt(const TaskFile& task, int64_t example, int64_t shots, uint64_t seed);

}  // namespace moe
