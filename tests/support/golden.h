// Worked numbers of published formulas: tests/golden/golden.json, float64.
#pragma once

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "layers/torch.h"

namespace moe {

inline const nlohmann::json& golden() {
  static const auto all = [] {
    std::ifstream file(MOE_SOURCE_DIR "/tests/golden/golden.json");
    return nlohmann::json::parse(file);
  }();
  return all;
}

// An entry as a float64 tensor of its own shape.
inline Tensor golden_tensor(const std::string& name) {
  const auto& entry = golden().at(name);
  std::vector<int64_t> shape;
  std::vector<double> values;
  for (const auto* level = &entry; level->is_array(); level = &level->at(0)) {
    shape.push_back(static_cast<int64_t>(level->size()));
  }
  const std::function<void(const nlohmann::json&)> walk = [&](const nlohmann::json& node) {
    if (node.is_array()) {
      for (const auto& child : node) walk(child);
    } else {
      values.push_back(node.is_boolean() ? static_cast<double>(node.get<bool>()) : node.get<double>());
    }
  };
  walk(entry);
  return at::tensor(values, at::kDouble).view(shape);
}

}  // namespace moe
