// The load of ranks, were the experts spread over them: rank r of N holds experts [r E / N, (r + 1) E / N),
// as parallel.expert does. A step ends when the busiest rank is through its rows, and all others wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moe {

struct RankLoad {
  std::vector<double> rows;      // [N] of all batches together
  std::vector<double> busiest;   // [N] batches in which this rank had the most rows (the first of equals)
  double waits = 0;              // sum over batches of max / mean of the rows
  double worst = 0;              // the highest of them
  double batches = 0;            // with any row

  explicit RankLoad(int64_t ranks)
      : rows(static_cast<size_t>(ranks)), busiest(static_cast<size_t>(ranks)) {}

  // One batch's slots by expert; their number must be a multiple of the ranks.
  void add(const std::vector<double>& tokens_per_expert);
  // Mean over batches of busiest rank / mean rank: 1 where no rank waits; 0 without a batch.
  double wait() const { return batches > 0 ? waits / batches : 0; }
};

}  // namespace moe
