// printf into a string.
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace moe {

// For a line or a part of one: what is beyond 159 bytes is cut off.
template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text;
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

}  // namespace moe
