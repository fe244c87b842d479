// What gates that learn nothing have in common: every token's experts are certain and weigh the same.
#pragma once

#include "gates/gate.h"

namespace moe {

// expert [T, k] int64, in [0, experts): weight 1 / k each, nothing for padding.
Routing fixed_choice(const Tensor& expert, int64_t experts, const GateInput& input);

}  // namespace moe
