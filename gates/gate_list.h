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

// What a gate is made for.
struct GateSize {
  int64_t d_model = 0;
  int64_t experts = 0;
  int64_t vocabulary = 0;  // token ids; 0: not known
};

struct GateMaker {
  std::string kind;
  std::function<std::shared_ptr<Gate>(const GateConfig& config, const GateSize& size,
                                      const Initializer& init)>
      make;
};
std::vector<GateMaker>& gate_makers();

// Throws c10::Error for a kind that has no maker.
std::shared_ptr<Gate> make_gate(const KindChoice& gate, const GateSize& size,
                                const Initializer& init);

}  // namespace moe
