#include "train/extra_compute.h"

#include <algorithm>
#include <cmath>

#include "configs/errors.h"
#include "data/tokenizer.h"
#include "train/checkpoint_state.h"
#include "train/flops.h"
#include "train/format.h"

namespace moe {

int64_t steps_for_compute(const RunConfig& config, int64_t vocabulary, double flops) {
  const double step = flops_per_token(config.model, vocabulary).training_once_sparse() *
                      static_cast<double>(config.train.batch_tokens);
  const double steps = std::round(config.train.extra_compute * flops / step);
  constexpr double kMost = 1e12;  // as train.steps
  if (!(steps <= kMost)) {
    throw ConfigError(format("train.extra_compute: %g", config.train.extra_compute) +
                      " times what the checkpoint has cost is more than 1e12 steps of this model: lower it");
  }
  return std::max<int64_t>(1, static_cast<int64_t>(steps));
}

int64_t extra_compute_steps(const RunConfig& config, const std::string& checkpoint) {
  const double flops = state_cost(checkpoint).flops;
  if (!(flops > 0)) {
    throw ConfigError("train.extra_compute: is a share of what a checkpoint has cost, and " + checkpoint +
                      " was never trained: give train.steps and train.extra_compute=0");
  }
  return steps_for_compute(config, make_tokenizer(config.data.tokenizer)->vocabulary(), flops);
}

}  // namespace moe
