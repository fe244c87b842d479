// Ranks on this machine without a launcher.
#pragma once

#include <cstdint>

namespace moe {

// Starts this program again with the same arguments as `ranks` ranks, with the variables that torchrun sets
// and `--store FILE` behind the arguments: a new file at which they meet. Waits for all. Returns the exit
// code of the first that failed, or 0. RunError where they cannot be started.
int run_as_ranks(int64_t ranks, int argc, char** argv);

}  // namespace moe
