// The learning rate as a pure function of the step.
#pragma once

#include "train/train_config.h"

namespace moe {

// Of step 1 .. steps. Warm-up grows linearly to schedule.lr at step `warmup`; cosine and linear then
// fall to lr * final_ratio at the last step; inverse_sqrt is lr * sqrt(warmup / step).
double learning_rate(const ScheduleConfig& schedule, int64_t step, int64_t steps);

}  // namespace moe
