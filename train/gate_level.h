// A gate's own figures by name, wherever they stand in a gate that is made of gates.
#pragma once

#include <optional>
#include <string>

namespace moe {

// Of which gate `figure` is the one called `name`: "" for the layer's gate itself, "outer." or "inner."
// for a level of `hierarchical` (inner: pooled over its groups); nothing for another figure.
inline std::optional<std::string> gate_level(const std::string& figure, const std::string& name) {
  if (figure != name && !figure.ends_with("." + name)) return std::nullopt;
  return figure.substr(0, figure.size() - name.size());
}

}  // namespace moe
