// How many tokens and spans of a text span corruption cuts out (T5, Raffel et al. 2020, arXiv 1910.10683,
// section 3.1.4), and how much text fits into a row. Plain arithmetic, for configs and data alike.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "data/objective_config.h"

namespace moe {

struct SpanCounts {
  int64_t noise = 0;  // tokens that are cut out
  int64_t spans = 0;  // in that many pieces
};

// As T5 counts: float32 products, rounded half to even; noise = round(length rate), at least 1 and at most
// length - 1; spans = round(noise / mean_span), at least 1. Where T5 would then have more spans than tokens that stay,
// which it cannot place, there are as many as can be. A text of fewer than two tokens has none.
// Requires 0 < rate < 1, mean_span >= 1.
inline SpanCounts span_counts(int64_t length, double rate, double mean_span) {
  if (length < 2) return {};
  const auto rounded = [](float value) { return static_cast<int64_t>(std::nearbyint(value)); };
  SpanCounts counts;
  counts.noise = std::clamp<int64_t>(rounded(static_cast<float>(length) * static_cast<float>(rate)), 1, length - 1);
  const auto spans = rounded(static_cast<float>(counts.noise) / static_cast<float>(mean_span));
  counts.spans = std::max<int64_t>(1, std::min({spans, counts.noise, length - counts.noise}));
  return counts;
}

// The longest text whose example has at most `ids` ids: the text, two sentinels a span, and `others`. 0 where
// no text of two tokens fits.
inline int64_t longest_span_text(int64_t ids, int64_t others, double rate, double mean_span) {
  const auto needed = [&](int64_t text) { return text + 2 * span_counts(text, rate, mean_span).spans + others; };
  int64_t fits = 1, beyond = std::max<int64_t>(2, ids);  // what is needed grows with the text
  while (beyond - fits > 1) {
    const int64_t middle = fits + (beyond - fits) / 2;
    (needed(middle) <= ids ? fits : beyond) = middle;
  }
  return fits < 2 ? 0 : fits;
}

// The longest text whose example (data/objectives/denoiser.h) has at most `ids` ids; 0 where none of two tokens has.
inline int64_t longest_example_text(const DenoiserConfig& denoiser, bool sentinel_at_split, int64_t ids) {
  const int64_t mode = denoiser.mode == "none" ? 0 : 1;
  if (denoiser.kind == "prefix") {
    const int64_t text = ids - mode - (sentinel_at_split ? 1 : 0) - 1;
    return text < 2 ? 0 : text;
  }
  return longest_span_text(ids, mode + 2, denoiser.rate, denoiser.mean_span);
}

}  // namespace moe
