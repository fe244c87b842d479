// The explicit list of gates, torch half: kind -> how to make it. (The torch-free half is in
// gates/gate_config.h.)
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gates/gate.h"
#include "gates/gate_config.h"
#include "layers/initializer.h"

namespace moe {

struct GateMaker {
  std::string kind;
  std::function<std::shared_ptr<Gate>(const GateConfig& config, int64_t d_model, int64_t experts,
                                      const Initializer& init)>
      make;
};
std::vector<GateMaker>& gate_makers();

// Throws c10::Error for a kind that has no maker.
std::shared_ptr<Gate> make_gate(const KindChoice& gate, int64_t d_model, int64_t experts,
                                const Initializer& init);

}  // namespace moe
