#include "train/infill.h"

#include <algorithm>
#include <stdexcept>

#include "configs/errors.h"
#include "train/prompt.h"
#include "train/sampling.h"

namespace moe {
namespace {

// [mode] piece sentinel-0 piece ... piece, all of it a prefix.
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
  for (int64_t k = 0; k <= std::min(blanks, special.sentinels - 1); ++k) {
    options.allowed.push_back(special.sentinel(k));
  }
  std::sort(options.allowed.begin(), options.allowed.end());
  options.stops.clear();
  if (blanks < special.sentinels) {
    options.stops.push_back(special.sentinel(blanks));
  }
  // The last token that is written need not be fed.
  options.tokens = std::min(options.tokens, reader.context - given.prefix + 1);
  auto made = decode(reader, given, options);
  return {written_spans(tokenizer, made.ids, static_cast<size_t>(blanks)), std::move(made.ids), made.ended};
}

std::vector<std::string> written_spans(const Tokenizer& tokenizer, const std::vector<int64_t>& ids, size_t blanks) {
  const auto special = tokenizer.special_ids();
  std::vector<std::vector<int64_t>> spans(blanks);
  std::vector<bool> seen(blanks, false);
  std::vector<int64_t>* open = nullptr;
  for (const int64_t id : ids) {
    if (id == special.end) {
      break;
    }
    const int64_t k = special.span_of(id);
    if (k < 0) {
      if (open != nullptr) {
        open->push_back(id);
      }
      continue;
    }
    const auto span = static_cast<size_t>(k);
    open = span < blanks && !seen[span] ? &spans[span] : nullptr;
    if (open != nullptr) {
      seen[span] = true;
    }
  }
  std::vector<std::string> texts;
  for (const auto& span : spans) {
    texts.push_back(tokenizer.decode(span));
  }
  return texts;
}

}  // namespace moe
