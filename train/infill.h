// Filling blanks of a text with a denoising model.
#pragma once

#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "train/decode.h"

namespace moe {

struct Infilled {
  std::vector<std::string> spans;  // bytes, one for each blank; empty where the model wrote none for it
  std::vector<int64_t> ids;        // sentinel-0 span sentinel-1 span ..., without what closed a span
  bool ended = false;              // the model closed every span itself
};

// `pieces`: the text around the blanks, one more than there are blanks (at least one blank). The model is given
// [mode] piece sentinel-0 piece sentinel-1 ... piece end as a prefix that sees itself whole, as in training
// (data/objectives/), then for blank after blank its sentinel, which the format leaves no choice of, and writes the span
// up to the end or a sentinel, whichever. `mode` is one of mode_words() or "none". options.tokens is for all of them,
// sentinels included: what is left is shared among the blanks that are left, and no more than the context has room for.
// options.allowed, options.end, options.stops and options.first_place are set here. Throws ConfigError for more blanks
// than sentinels, for a mode that the vocabulary has no token for, and for a text that leaves no room in the context.
Infilled infill(const Reader& reader, const Tokenizer& tokenizer, const std::vector<std::string>& pieces,
                const std::string& mode, DecodeOptions options);

}  // namespace moe
