// Numbers and nouns as moe-diagnose writes them.
#pragma once

#include <cstdint>
#include <string>

namespace moe {

// One number by a printf format; "n/a" where it is none. A number of another size than these figures
// have is written in three digits.
std::string figure_text(const char* pattern, double value);

// "1 layer", "2 layers".
std::string plural(int64_t count, const std::string& noun);

}  // namespace moe
