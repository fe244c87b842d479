#include "train/eval/snippets.h"

#include <algorithm>

#include "data/permutation.h"

namespace moe {
namespace {

struct Word {
  size_t begin = 0, end = 0;
};

// Of a length that may be blanked out, neither at the beginning of the text nor at its end.
std::vector<Word> blankable_words(const std::string& text) {
  std::vector<Word> words;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && is_word_byte(text[end])) ++end;
    const auto bytes = static_cast<int64_t>(end - begin);
    if (begin > 0 && end < text.size() && bytes >= 2 && bytes <= kLongestBlank) words.push_back({begin, end});
    begin = end + 1;
  }
  return words;
}

}  // namespace

bool is_word_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         static_cast<unsigned char>(byte) >= 0x80;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_word_byte) - text.begin()));
}

std::optional<BlankedText> blank_words(const std::string& text, int64_t blanks, uint64_t key) {
  const auto words = blankable_words(text);
  const auto count = static_cast<int64_t>(words.size());
  if (count < blanks) return {};
  const Permutation order(count, key);
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < blanks; ++i) chosen.push_back(order(i));
  std::sort(chosen.begin(), chosen.end());
  BlankedText made;
  size_t at = 0;
  for (const int64_t index : chosen) {
    const auto& word = words[static_cast<size_t>(index)];
    made.pieces.push_back(text.substr(at, word.begin - at));
    made.answers.push_back(text.substr(word.begin, word.end - word.begin));
    at = word.end;
  }
  made.pieces.push_back(text.substr(at));
  return made;
}

std::optional<CutText> cut_text(const std::string& text, int64_t longest_beginning, int64_t continuation) {
  const auto last = std::min(longest_beginning, static_cast<int64_t>(text.size()) - continuation);
  for (int64_t at = last; at > 0; --at) {
    const auto place = static_cast<size_t>(at);
    if (place < text.size() && is_word_byte(text[place]) && !is_word_byte(text[place - 1])) {
      return CutText{text.substr(0, place), text.substr(place, static_cast<size_t>(continuation))};
    }
  }
  return {};
}

}  // namespace moe
