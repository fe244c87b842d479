#include "configs/fields.h"

#include <stdexcept>

#include "configs/scalar.h"

namespace moe {

bool Range::holds(double value) const {
  const bool low_holds = low_open ? value > low : value >= low;
  const bool high_holds = high_open ? value < high : value <= high;
  return low_holds && high_holds;
}

std::string Range::text() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::string text;
  if (low != -kInfinity) text += (low_open ? "above " : "at least ") + number_text(low);
  if (high != kInfinity) {
    if (!text.empty()) text += " and ";
    text += (high_open ? "below " : "at most ") + number_text(high);
  }
  return text;
}

Range at_least(double low) {
  Range range;
  range.low = low;
  return range;
}

Range above(double low) {
  Range range;
  range.low = low;
  range.low_open = true;
  return range;
}

Range between(double low, double high) {
  Range range;
  range.low = low;
  range.high = high;
  return range;
}

Range from_below(double low, double high) {
  Range range = between(low, high);
  range.high_open = true;
  return range;
}

OneOf one_of(std::vector<std::string> words) { return OneOf{std::move(words)}; }

void Rules::require(bool holds, const std::string& key, const std::string& message) {
  if (!holds) broken_.push_back({prefix_ + key, message});
}

KindChoice::KindChoice(KindList& list, const std::string& kind) : kind(kind), list(&list) {
  for (const Kind& each : list) {
    if (each.name == kind) config = each.defaults();
  }
  // Not a ConfigError: no user can mend a default that names a kind nobody listed.
  if (config == nullptr) throw std::logic_error("KindChoice: '" + kind + "' is not in its list");
}

}  // namespace moe
