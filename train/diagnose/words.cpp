#include "train/diagnose/words.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace moe {

std::string figure_text(const char* format, double value) {
  if (!std::isfinite(value)) return "n/a";
  std::array<char, 64> text;
  // Numbers of another size than these figures have would fill the line.
  std::snprintf(text.data(), text.size(), std::abs(value) < 1e6 ? format : "%.3g", value);
  return text.data();
}

std::string plural(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace moe
