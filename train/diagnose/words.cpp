#include "train/diagnose/words.h"

#include <cmath>

#include "train/format.h"

namespace moe {

std::string figure_text(const char* pattern, double value) {
  if (!std::isfinite(value)) return "n/a";
  // Numbers of another size than these figures have would fill the line.
  return format(std::abs(value) < 1e6 ? pattern : "%.3g", value);
}

std::string plural(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace moe
