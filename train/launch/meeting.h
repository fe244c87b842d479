// All ranks of a run find each other in a store, whatever else is written there.
#pragma once

#include <chrono>
#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace moe {

// Waits, at most `timeout`, until all `ranks` have come. Returns a name of this meeting, the same on every
// rank and never used before: the prefix of all further keys. RankFailure naming those who did not come.
//
// A store may hold what ranks of a former attempt wrote: torchrun's outlives restarts, with ranks in another
// order, and a file stays after a crash. Nor do ranks know a number of their attempt: each machine's agent
// counts its own restarts. So every rank writes a number drawn anew, rank 0 writes down those it finds,
// every rank that finds its own there says so, and all go when all have said so to the same list.
std::string meet(c10d::Store& store, int64_t rank, int64_t ranks, std::chrono::milliseconds timeout);

}  // namespace moe
