#include "train/compare/shown.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "configs/utf8.h"
#include "train/compare/text.h"

namespace moe {
namespace {

std::string formatted(const char* pattern, double value) {
  if (std::isnan(value)) {
    return "nan";  // printf gives its sign bit too
  }
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

const char* format_like(const Json& like) { return metric_format(like.is_number() ? like.get<double>() : 0); }

}  // namespace

std::string shown_name(const Json& name) {
  return name.is_string() ? visible(name.get<std::string>(), 200) : kNotKnown;
}

const char* metric_format(double size) {
  const double magnitude = std::abs(size);
  return magnitude == 0 || (magnitude >= 1e-2 && magnitude < 1e5) ? "%.4f" : "%.4g";
}

std::string shown_number(const Json& value, const char* pattern) {
  return value.is_number() ? formatted(pattern, value.get<double>()) : kNotKnown;
}

std::string shown_number(const Json& value) {
  return value.is_number() ? shown_number(value, metric_format(value.get<double>())) : kNotKnown;
}

std::string shown_short(const Json& value) {
  return value.is_number() ? short_number(value.get<double>()) : kNotKnown;
}

std::string shown_change(const Json& change, const Json& like) {
  return (change.is_number() && change.get<double>() > 0 ? "+" : "") + shown_number(change, format_like(like));
}

std::string shown_interval(const Json& ci, const Json& like) {
  return ci.is_array() ? shown_change(ci[0], like) + " to " + shown_change(ci[1], like) : kNotKnown;
}

std::string shown_p(const Json& p) {
  if (!p.is_number()) {
    return kNotKnown;
  }
  return p.get<double>() < 1e-4 ? "<0.0001" : formatted("%.4f", p.get<double>());
}

std::string shown_percent(const Json& share) {
  return share.is_number() ? formatted("%.3g %%", 100 * share.get<double>()) : kNotKnown;
}

}  // namespace moe
