// The learning rate as a pure function of the step.
#pragma once

#include "train/train_config.h"

namespace moe {

// Of step 1 .. steps. Warm-up grows linearly to schedule.lr at step `warmup`; cosine and linear then
// fall to lr * final_ratio at the last step; inverse_sqrt is lr * sqrt(warmup / step).
double learning_rate(const ScheduleConfig& schedule, int64_t step, int64_t steps);

// The share of a run that is done after `step` of its steps, in [0, 1]: what gates' schedules follow,
// of the step that comes next, of a validation in between and of a checkpoint used later. 1 of a run
// without steps.
double share_done(int64_t step, int64_t steps);

}  // namespace moe
