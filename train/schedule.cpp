#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moe {

double learning_rate(const ScheduleConfig& schedule, int64_t step, int64_t steps) {
  const double warmup = static_cast<double>(schedule.warmup), at = static_cast<double>(step);
  if (at < warmup) {
    return schedule.lr * at / warmup;
  }
  if (schedule.kind == "inverse_sqrt") {
    return schedule.lr * std::sqrt(std::max(warmup, 1.0) / at);
  }
  const double rest = static_cast<double>(steps) - warmup;
  const double done = rest > 0 ? std::clamp((at - warmup) / rest, 0.0, 1.0) : 1.0;
  double share = 1;  // of the way from the end value up to lr
  if (schedule.kind == "cosine") {
    share = 0.5 * (1 + std::cos(std::numbers::pi * done));
  } else if (schedule.kind == "linear") {
    share = 1 - done;
  }
  return schedule.lr * (schedule.final_ratio + (1 - schedule.final_ratio) * share);
}

double share_done(int64_t step, int64_t steps) {
  return steps <= 0 ? 1.0 : std::min(1.0, static_cast<double>(step) / static_cast<double>(steps));
}

}  // namespace moe
