// Which tokens span corruption cuts out: T5's random spans, exact in distribution.
//
// The noise tokens are divided into `spans` positive parts and the others into as many, each division uniform over
// all there are; kept and cut-out parts then alternate, beginning with a kept one. So the first token always stays and
// the last one never does, and of s spans with n tokens together one has l tokens with probability
// C(n-l-1, s-2) / C(n-1, s-1).
#pragma once

#include <cstdint>
#include <vector>

#include "data/objectives/draws.h"
#include "data/objectives/span_counts.h"

namespace moe {

// `sum` as that many positive parts, uniform over all such sequences (a choice of parts - 1 places among the sum - 1
// between its units). Requires 1 <= parts <= sum.
std::vector<int64_t> random_parts(int64_t sum, int64_t parts, Draws& draws);

struct NoiseSpan {
  int64_t begin = 0, end = 0;
};
// In order, disjoint, none touching another; none for a text of fewer than two tokens.
std::vector<NoiseSpan> sample_spans(int64_t length, double rate, double mean_span, Draws& draws);

}  // namespace moe
