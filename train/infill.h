// Filling blanks of a text with a denoising model.
#pragma once

#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "train/decode.h"

namespace moe {

struct Infilled {
  std::vector<std::string> spans;  // bytes, one for each blank; empty where the model wrote none for it
  std::vector<int64_t> ids;        // all that it wrote
  bool ended = false;              // by the end token
};

// `pieces`: the text around the blanks, one more than there are blanks (at least one blank). The model is given
// [mode] piece sentinel-0 piece sentinel-1 ... piece as a prefix that sees itself whole, as in training
// (data/objectives/), and writes sentinel-0 span sentinel-1 span ... end. `mode` is one of mode_words() or "none".
// options.allowed, options.end and options.stops are set here: bytes, the end, and the sentinels of the blanks and the
// one after them, with which a model says that the last span is over and is stopped. It writes no more than the
// context has room for. Throws ConfigError for more blanks than sentinels, for a mode that the vocabulary has no
// token for, and for a text that leaves no room in the context.
Infilled infill(const Reader& reader, const Tokenizer& tokenizer, const std::vector<std::string>& pieces,
                const std::string& mode, DecodeOptions options);

// The bytes between span k's sentinel and the next sentinel of any kind, or the end, for each of so many blanks.
// Spans may come in any order; of a sentinel that comes twice the first counts.
std::vector<std::string> written_spans(const Tokenizer& tokenizer, const std::vector<int64_t>& ids, size_t blanks);

}  // namespace moe
