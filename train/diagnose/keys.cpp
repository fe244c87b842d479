#include "train/diagnose/keys.h"

#include "configs/config_io.h"

namespace moe {

ConfigValues config_values(RunConfig config) {
  ConfigValues values;
  for (const auto& [key, value] : flatten_config(view_of(config))) values[key] = value;
  return values;
}

std::string gate_prefix(const MoeConfig& moe, int64_t layer) {
  for (const auto& [name, options] : moe.layers) {
    const auto range = parse_layer_range(name);
    if (range && range->has(layer) && options.has_gate()) return "model.moe.layers." + name + ".gate.";
  }
  return "model.moe.gate.";
}

}  // namespace moe
