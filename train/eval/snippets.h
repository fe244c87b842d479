// Questions made of plain text: words blanked out, and texts cut into a beginning and what follows. Pure functions of
// text and key, so that every checkpoint is asked the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moe {

// What words are made of: ASCII letters and digits, and every byte beyond ASCII, which UTF-8 writes letters with.
bool is_word_byte(char byte);
// The bytes up to the first that is none.
std::string_view first_word(std::string_view text);

struct BlankedText {
  std::vector<std::string> pieces;   // the text around the blanks, one more than there are
  std::vector<std::string> answers;  // the words
};
inline constexpr int64_t kLongestBlank = 16;  // bytes of a word that may be blanked out

// Blanks out `blanks` words of 2 to kLongestBlank bytes, any such set as likely as any other. Words at either
// end of the text stay, since they may be cut. Nothing where there are too few.
std::optional<BlankedText> blank_words(const std::string& text, int64_t blanks, uint64_t key);

struct CutText {
  std::string beginning;     // ends with what stands before a word
  std::string continuation;  // begins with that word
};
// Cut at the last beginning of a word that is at most at `longest_beginning` and has `continuation` bytes from
// there on, all of them and no more. Nothing where there is none behind the first word.
std::optional<CutText> cut_text(const std::string& text, int64_t longest_beginning, int64_t continuation);

}  // namespace moe
