#include "train/gate_notes.h"

#include <algorithm>

#include "configs/suggest.h"

namespace moe {
namespace {

bool looks_ahead(const GateConfig& gate) { return !gate.causal(); }
bool is_untaught(const GateConfig& gate) { return !gate.task_reaches(); }

// The kinds of every layer whose gate is so, one a layer.
std::vector<std::string> kinds_that(const ModelConfig& model, bool (*are)(const GateConfig&)) {
  std::vector<std::string> kinds;
  if (model.moe) {
    for (const int64_t layer : model.moe->expert_layers(model.layers)) {
      const auto& gate = model.moe->gate_of(layer);
      if (are(gate_config(gate))) {
        kinds.push_back(gate.kind);
      }
    }
  }
  return kinds;
}

std::string note(const ModelConfig& model, bool (*are)(const GateConfig&),
                 const std::string& what) {
  auto kinds = kinds_that(model, are);
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return kinds.empty() ? "" : "gate " + join(kinds) + " " + what;
}

}  // namespace

int64_t leaking_layers(const ModelConfig& model) {
  return static_cast<int64_t>(kinds_that(model, looks_ahead).size());
}

std::string future_leak_note(const ModelConfig& model) {
  return note(model, looks_ahead,
              "looks at later tokens (model.moe.allow_future_leak), so losses may profit from what "
              "they should predict: do not compare them with a causal gate's");
}

std::string untaught_note(const ModelConfig& model) {
  return note(model, is_untaught,
              "weighs its one expert 1 for every token, so the text teaches it nothing, only its own "
              "losses do: take k of 2 or more, kind switch, or weights that are not normalised");
}

std::vector<std::string> gate_notes(const ModelConfig& model) {
  std::vector<std::string> notes{future_leak_note(model), untaught_note(model)};
  notes.erase(std::remove(notes.begin(), notes.end(), ""), notes.end());
  return notes;
}

}  // namespace moe
