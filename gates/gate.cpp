#include "gates/gate.h"

namespace moe {

Tensor GateInput::valid() const {
  return context.valid.defined() ? context.valid.reshape({-1}) : Tensor();
}

void Gate::end_step(const StepStats&) {}

}  // namespace moe
