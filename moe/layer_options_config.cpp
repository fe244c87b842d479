#include "moe/layer_options_config.h"

#include <charconv>
#include <memory>

namespace moe {

KindList& layer_gate_kinds() {
  static KindList list;
  // A program may have appended to gate_kinds() meanwhile.
  if (list.size() != gate_kinds().size() + 1) {
    list = {{"model", "as model.moe.gate says", [] { return std::make_shared<KindConfig>(); }}};
    list.insert(list.end(), gate_kinds().begin(), gate_kinds().end());
  }
  return list;
}

std::optional<LayerRange> parse_layer_range(const std::string& text) {
  const auto number = [](const char*& at, const char* end, int64_t& value) {
    const bool digit = at != end && *at >= '0' && *at <= '9';  // from_chars would take a sign
    const auto [stop, error] = std::from_chars(at, end, value);
    at = stop;
    return digit && error == std::errc();
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
