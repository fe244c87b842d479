// From what all ranks wrote about themselves to sentences about the one that is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/launch/rank_record.h"

namespace moe {

using RankRecords = std::vector<std::optional<RankRecord>>;  // by rank of the world; nothing: none written

// Ranks besides `mine` that have not started, have left, or whose beat stood still for `apart` seconds; none: empty.
// Not those that failed like this one.
std::string who_is_gone(const RankRecords& before, const RankRecords& after, double apart, int64_t mine);

// Why `what` does not end for rank `mine`: who is gone or has left, of all ranks; else who of `members` is late,
// or somewhere else. `before` and `after` were read `apart` seconds apart, longer than two beats.
std::string who_is_missing(const RankRecords& before, const RankRecords& after, double apart, int64_t mine,
                           const std::vector<int64_t>& members, const std::string& what);

// Whether what rank r wrote last can still be so: its beat moved between two readings two beats apart.
bool is_alive(const RankRecords& before, const RankRecords& after, int64_t r);

// "rank 2 (computing at step 7 for 15 s)", joined, for every other member that is not in `what`, or is not alive.
std::string waited_for(const RankRecords& before, const RankRecords& after, int64_t mine,
                       const std::vector<int64_t>& members, const std::string& what);

}  // namespace moe
