#include "train/routed/rank_load.h"

#include <algorithm>
#include <numeric>

namespace moe {

void RankLoad::add(const std::vector<double>& tokens_per_expert) {
  const size_t each = tokens_per_expert.size() / rows.size();
  std::vector<double> now;
  for (size_t rank = 0; rank < rows.size(); ++rank) {
    const auto first = tokens_per_expert.begin() + static_cast<int64_t>(rank * each);
    now.push_back(std::accumulate(first, first + static_cast<int64_t>(each), 0.0));
    rows[rank] += now.back();
  }
  const double mean = std::accumulate(now.begin(), now.end(), 0.0) / static_cast<double>(now.size());
  if (!(mean > 0)) return;
  const auto most = std::max_element(now.begin(), now.end());
  busiest[static_cast<size_t>(most - now.begin())] += 1;
  waits += *most / mean;
  worst = std::max(worst, *most / mean);
  batches += 1;
}

}  // namespace moe
