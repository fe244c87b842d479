#include "train/infill.h"

#include <algorithm>
#include <stdexcept>

#include "configs/errors.h"
#include "train/prompt.h"
#include "train/sampling.h"

namespace moe {
namespace {

// [mode] piece sentinel-0 piece ... piece end, all of it a prefix: inputs as Denoiser makes them.
Given with_blanks(const Tokenizer& tokenizer, const std::vector<std::string>& pieces, const std::string& mode) {
  const auto special = tokenizer.special_ids();
  Given given;
  given.ids = mode_ids(tokenizer, mode);
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) {
      given.ids.push_back(special.sentinel(static_cast<int64_t>(i) - 1));
    }
    const auto piece = tokenizer.encode(pieces[i]);
    given.ids.insert(given.ids.end(), piece.begin(), piece.end());
  }
  given.ids.push_back(special.end);
  given.prefix = static_cast<int64_t>(given.ids.size());
  return given;
}

}  // namespace

Infilled infill(const Reader& reader, const Tokenizer& tokenizer, const std::vector<std::string>& pieces,
                const std::string& mode, DecodeOptions options) {
  if (pieces.size() < 2) {
    throw std::invalid_argument("infill: " + std::to_string(pieces.size()) + " pieces have no blank between them");
  }
  const auto special = tokenizer.special_ids();
  const auto blanks = static_cast<int64_t>(pieces.size()) - 1;
  if (blanks > special.sentinels) {
    throw ConfigError("infill: expected at most " + std::to_string(special.sentinels) +
                      " blanks, as many as the vocabulary has sentinels, found " + std::to_string(blanks) +
                      ": fill them part by part");
  }
  const auto given = with_blanks(tokenizer, pieces, mode);
  if (given.prefix >= reader.context) {
    throw ConfigError("infill: expected a text of fewer than " + std::to_string(reader.context) +
                      " tokens with its blanks, the model's context, found " + std::to_string(given.prefix) +
                      ": leave out what is far from the blanks");
  }
  options.end = special.end;
  options.allowed = continuation_ids(tokenizer);
  options.stops.clear();
  for (int64_t k = 0; k < special.sentinels; ++k) {
    options.stops.push_back(special.sentinel(k));
  }
  options.allowed.insert(options.allowed.end(), options.stops.begin(), options.stops.end());
  std::sort(options.allowed.begin(), options.allowed.end());
  // The last token that is written need not be fed.
  int64_t left = std::min(options.tokens, reader.context - given.prefix + 1);
  Infilled filled;
  filled.ended = true;
  for (int64_t k = 0; k < blanks; ++k) {
    std::vector<int64_t> span;
    if (left > 0) {
      filled.ids.push_back(special.sentinel(k));
      options.tokens = --left / (blanks - k);
      options.first_place = static_cast<int64_t>(filled.ids.size());
      auto asked = given;
      asked.ids.insert(asked.ids.end(), filled.ids.begin(), filled.ids.end());
      span = decode(reader, asked, options).ids;
    }
    const bool closed = !span.empty() && (span.back() == special.end || special.span_of(span.back()) >= 0);
    if (closed) {
      span.pop_back();
    }
    filled.ended = filled.ended && closed;
    filled.ids.insert(filled.ids.end(), span.begin(), span.end());
    filled.spans.push_back(tokenizer.decode(span));
    left -= static_cast<int64_t>(span.size());
  }
  return filled;
}

}  // namespace moe
