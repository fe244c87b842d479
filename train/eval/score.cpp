#include "train/eval/score.h"

#include <algorithm>
#include <cmath>

#include "train/began_with.h"
#include "train/compare/statistics.h"

namespace moe {
Score mean_score(const std::string& metric, bool higher_is_better, std::vector<double> items) {
  Score score;
  score.metric = metric;
  score.higher_is_better = higher_is_better;
  score.value = mean(items);
  score.items = std::move(items);
  const auto n = static_cast<double>(score.items.size());
  if (n < 2 || !std::isfinite(score.value)) return score;
  const bool share =
      std::all_of(score.items.begin(), score.items.end(), [](double item) { return item == 0 || item == 1; });
  score.standard_error = share ? std::sqrt(score.value * (1 - score.value) / n)
                               : standard_deviation(score.items) / std::sqrt(n);
  return score;
}

Json score_json(const Score& score) {
  auto items = Json::array();
  for (const double item : score.items) items.push_back(number_or_null(item));
  return {{"value", number_or_null(score.value)},
          {"standard_error", score.standard_error ? number_or_null(*score.standard_error) : Json()},
          {"n", score.items.size()},
          {"better", score.higher_is_better ? "higher" : "lower"},
          {"metric", score.metric},
          {"items", std::move(items)}};
}

}  // namespace moe
