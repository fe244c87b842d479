#include "data/attention_pairs.h"

#include <cstddef>

namespace moe {
namespace {

bool masked(const Batch& batch) {
  return !batch.segments.empty() || !batch.prefix.empty() || !batch.valid.empty();
}

// Of one segment: `prefix` tokens and `rest` after them.
int64_t pairs_of(int64_t prefix, int64_t rest) { return prefix * prefix + prefix * rest + rest * (rest + 1) / 2; }

}  // namespace

int64_t allowed_pairs(const Batch& batch) {
  const int64_t S = batch.length;
  if (!masked(batch)) return batch.rows * pairs_of(0, S);
  int64_t pairs = 0;
  for (int64_t row = 0; row < batch.rows; ++row) {
    int64_t prefix = 0, rest = 0;
    for (int64_t i = 0; i < S; ++i) {
      const auto at = static_cast<size_t>(row * S + i);
      const bool begins = i > 0 && !batch.segments.empty() && batch.segments[at] != batch.segments[at - 1];
      if (begins) {
        pairs += pairs_of(prefix, rest);
        prefix = rest = 0;
      }
      if (!batch.valid.empty() && batch.valid[at] == 0) continue;
      ++(!batch.prefix.empty() && batch.prefix[at] == 1 ? prefix : rest);
    }
    pairs += pairs_of(prefix, rest);
  }
  return pairs;
}

int64_t executed_pairs(const Batch& batch) {
  const int64_t S = batch.length;
  return batch.rows * (masked(batch) ? S * S : pairs_of(0, S));
}

}  // namespace moe
