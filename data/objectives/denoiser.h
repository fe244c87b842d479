// From a piece of text to what is given and what is to be predicted.
//
//   prefix            [mode] text-up-to-a-place [sentinel] ++ the rest, end
//   span_corruption   [mode] text with sentinels in the place of spans, end ++ sentinel, span, sentinel, span, ..., end
//
// The place where a prefix is split is uniform, at least one token on both sides (T5's prefix language model; UL2's
// table has the last quarter instead). Spans are T5's (data/objectives/span_sampler.h), span k's sentinel is
// special.sentinel(k) on both sides, and there is no closing one. T5's last span is the end of its text, so without an
// end behind the inputs the last sentinel alone would be what targets begin after: a model that is given text
// behind its last blank, as who asks to fill blanks does, would never begin them. T5's inputs have that end too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/objective_config.h"
#include "data/objectives/draws.h"
#include "data/special_ids.h"

namespace moe {

struct Example {
  std::vector<int64_t> ids;  // inputs, then targets, then the end
  int64_t inputs = 0;        // how many are inputs: they see each other, and none of them is scored
};

class Denoiser {
 public:
  // `special` with the sentinels that may be used. A denoiser whose kind is causal makes no examples: its rows are
  // plain text.
  Denoiser(const DenoiserConfig& config, const SpecialIds& special, bool sentinel_at_split);

  // Of `length` >= 2 tokens.
  Example example(const int64_t* text, int64_t length, Draws& draws) const;
  // The longest text whose example has at most `ids` ids; 0 where none of two tokens does.
  int64_t longest_text(int64_t ids) const;
  // Sentinels that an example of that much text takes.
  int64_t sentinels_for(int64_t length) const;

 private:
  DenoiserConfig config_;
  SpecialIds special_;
  int64_t mode_;
  bool sentinel_at_split_;
};

}  // namespace moe
