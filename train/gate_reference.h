// docs/gates.md: every gate, generated from what its config says of itself.
#pragma once

#include <string>

namespace moe {

// The whole file, as `moe-train --help-gates` prints it.
std::string gate_reference();

}  // namespace moe
