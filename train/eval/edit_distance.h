// How far a text is from the one that was expected.
#pragma once

#include <cstdint>
#include <string_view>

namespace moe {

// The fewest insertions, deletions and replacements of single bytes that make one of the other (Levenshtein 1966).
int64_t edit_distance(std::string_view a, std::string_view b);

// The same as a share of the longer one's length: 0 for equal texts, 1 where nothing is left in place.
double normalised_edit_distance(std::string_view a, std::string_view b);

}  // namespace moe
