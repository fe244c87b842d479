// What a checkpoint reached on one task, and how sure that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/json_text.h"

namespace moe {

struct Score {
  std::string metric;            // of one item, in words: "accuracy"
  bool higher_is_better = true;
  double value = 0;              // NaN without items
  // Of the value; none for fewer than two items or figures that are not finite.
  std::optional<double> standard_error;
  std::vector<double> items;     // in an order that depends on text and settings alone, so that two checkpoints'
                                 // belong together pair by pair
};
using Scores = std::vector<std::pair<std::string, Score>>;  // by task, in the order of a report

// The mean of the items. Its standard error is that of a share, sqrt(p (1 - p) / n), where all items are 0 or 1,
// else that of a mean, sd / sqrt(n) with the sample's deviation (divided by n - 1).
Score mean_score(const std::string& metric, bool higher_is_better, std::vector<double> items);

// {"value", "standard_error", "n", "better": "higher" or "lower", "metric", "items"}; null for what is not finite.
Json score_json(const Score& score);

}  // namespace moe
