#include "moe/layer_options_config.h"

#include <charconv>

namespace moe {

std::optional<LayerRange> parse_layer_range(const std::string& text) {
  const auto number = [](const char*& at, const char* end, int64_t& value) {
    const auto [stop, error] = std::from_chars(at, end, value);
    at = stop;
    return error == std::errc() && value >= 0;
  };
  const char* at = text.data();
  const char* end = at + text.size();
  LayerRange range;
  if (!number(at, end, range.first)) {
    return {};
  }
  range.last = range.first;
  if (at != end && (*at++ != '-' || !number(at, end, range.last))) {
    return {};
  }
  return at == end && range.first <= range.last ? std::optional(range) : std::nullopt;
}

}  // namespace moe
