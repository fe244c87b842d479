#include "train/future_leak.h"

#include <algorithm>

#include "configs/suggest.h"

namespace moe {
namespace {

// One of every such layer.
std::vector<std::string> leaking_gates(const ModelConfig& model) {
  std::vector<std::string> kinds;
  if (model.moe) {
    for (const int64_t layer : model.moe->expert_layers(model.layers)) {
      const auto& gate = model.moe->gate_of(layer);
      if (!gate_config(gate).causal()) {
        kinds.push_back(gate.kind);
      }
    }
  }
  return kinds;
}

}  // namespace

int64_t leaking_layers(const ModelConfig& model) {
  return static_cast<int64_t>(leaking_gates(model).size());
}

std::string future_leak_note(const ModelConfig& model) {
  auto kinds = leaking_gates(model);
  if (kinds.empty()) {
    return "";
  }
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return "gate " + join(kinds) +
         " looks at later tokens (model.moe.allow_future_leak), so losses may profit from what they "
         "should predict: do not compare them with a causal gate's";
}

}  // namespace moe
