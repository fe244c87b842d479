// Which steps must not train the model: a loss or a gradient that is not finite (train.on_nonfinite),
// or a loss far above the recent ones (train.spike; PaLM, arXiv 2204.02311, section 5.1, restarts
// before such a spike and leaves its batches out). A rule over plain numbers, without tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace moe {

enum class Verdict { kGood, kNonfinite, kSpike };

// What a run has met so far. A checkpoint holds it, so that a resumed run judges alike.
struct BadSteps {
  static constexpr size_t kWindow = 100;  // good losses that a new one is held against
  static constexpr size_t kFewest = 20;   // fewer say nothing of what is usual: no spike yet

  int64_t nonfinite = 0, spikes = 0;  // bad steps, by what was wrong
  int64_t rollbacks = 0;              // how many of them went back to a checkpoint
  std::vector<double> recent;         // losses of the last good steps, oldest first

  // Counts a bad step; a good one's loss joins the recent ones. A spike is a loss more than `spike`
  // standard deviations above their mean, with a deviation of at least a thousandth of the mean, since
  // on a flat curve everything would be one. `spike` 0: no loss is.
  Verdict judge(double loss, double grad_norm, double spike);

  int64_t total() const { return nonfinite + spikes; }
  std::string text() const;  // "3 not finite, 1 spike, 2 rollbacks"
};

}  // namespace moe
