// What single layers of a mixture do differently: entries of `model.moe.layers`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gates/gate_config.h"

namespace moe {

// gate_kinds(), and before them `model`: the gate of `model.moe.gate`, which is what an entry that
// says nothing of a gate has.
KindList& layer_gate_kinds();

struct LayerOptions {
  KindChoice gate{layer_gate_kinds(), "model"};

  bool has_gate() const { return gate.kind != "model"; }
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
