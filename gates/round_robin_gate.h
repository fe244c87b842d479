// Slot j of the token at position p goes to expert (p + j) mod E, with weight 1 / k. Perfectly
// balanced and blind: what a learned gate has to beat.
#pragma once

#include "gates/gate.h"
#include "gates/round_robin_config.h"
#include "layers/initializer.h"

namespace moe {

class RoundRobinGate : public Gate {
 public:
  RoundRobinGate(const RoundRobinConfig& config, int64_t d_model, int64_t experts,
                 const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  int64_t k_, experts_;
};

}  // namespace moe
