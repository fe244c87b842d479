// What single layers of a mixture do differently: entries of `model.moe.layers`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gates/gate_config.h"

namespace moe {

struct LayerOptions {
  KindChoice gate{gate_kinds(), "top_k"};

  void fields(Fields& f) { f("gate", gate, "who goes where in these layers"); }
};

// Layers first .. last, both included.
struct LayerRange {
  int64_t first = 0, last = 0;

  bool has(int64_t layer) const { return first <= layer && layer <= last; }
};

// "3" or "4-7"; nothing for any other text, or where the second number is below the first.
std::optional<LayerRange> parse_layer_range(const std::string& text);

}  // namespace moe
