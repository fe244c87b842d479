// The end of a process that is one of many ranks.
#pragma once

#include <functional>
#include <string>

#include "train/launch/launch.h"

namespace moe {

// Runs `body`, which gives the exit code. Alone that is all. As one of many ranks: only the first one's log
// goes below errors; what ends this rank is noted where torchrun looks for it; and a rank that fails ends
// at once, without waiting for operations that nobody will complete.
// `program` begins every message, as run_program() has it.
int as_rank(const Launch& launch, const std::string& program, const std::function<int()>& body);

}  // namespace moe
