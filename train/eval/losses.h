// Losses of held-out text, by objective, and what gates did meanwhile.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "gates/load_metrics.h"
#include "train/eval/score.h"
#include "train/eval/subject.h"

namespace moe {

struct ObjectiveLoss {
  std::string objective;  // "causal", or a denoiser
  Score score;            // nats per target token
  std::map<int64_t, LoadMetrics> load;  // by layer; empty for a dense model
};

// Of about `tokens` of each objective's rows, of every source the first ones by its share, by evaluate(). Rows are
// taken in stretches, at least 64 where there are rows enough, of 4096 tokens or one row at most; which rows a stretch
// has follows from their number and length alone. A score's value is the sources' mean weighted by share,
// of all target tokens of a source, as evaluate() has it. An item is what one stretch adds to it, times the number of
// stretches, so that the items' mean is the value. Its standard error is that of this ratio of sums over stretches.
std::vector<ObjectiveLoss> objective_losses(Subject& subject, const std::vector<ValidationRows>& rows, int64_t tokens);

}  // namespace moe
