// What a value of each type of field must be, in the words that errors and help share.
#pragma once

#include <string>
#include <vector>

#include "configs/fields.h"
#include "configs/suggest.h"

namespace moe {

inline std::string with_range(const std::string& what, const Range& range) {
  const std::string text = range.text();
  return text.empty() ? what : what + " " + text;
}
inline std::string an_integer(const Range& range) { return with_range("an integer", range); }
inline std::string a_number(const Range& range) { return with_range("a number", range); }
inline std::string auto_or_integer(const Range& range) { return "auto or " + an_integer(range); }
inline std::string a_word(const OneOf& words) { return join_or(words.words); }
inline std::string a_list_of_integers(const Range& range) {
  return with_range("a list of integers", range);
}
inline constexpr const char* kTrueOrFalse = "true or false";
inline constexpr const char* kText = "a text";
inline constexpr const char* kListOfTexts = "a list of texts";
inline constexpr const char* kNamedLists = "named lists of texts";
inline constexpr const char* kNamedSections = "named mappings of keys";
inline constexpr const char* kSection = "a mapping of keys";
inline constexpr const char* kOptionalSection = "none or a mapping of keys";

inline std::vector<std::string> kind_names(const KindList& kinds) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.push_back(kind.name);
  return names;
}

}  // namespace moe
