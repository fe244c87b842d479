// Token ids that somebody wrote down, to be fed as they are. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>

#include "data/batch.h"

namespace moe {

// The rows of a JSON file, without targets:
//   [[1, 2, 3], [4, 5, 6]]       ids, rows of equal length; or
//   {"token_ids": [[...], ...],
//    "prefix": 2 or [2, 0],      that many first tokens of every row, or of each, see each other
//    "positions": [[...], ...],  0, 1, ... where it is left out
//    "segments": [[...], ...]}   documents, which see nothing of each other; one a row where it is left out
// Throws RunError naming file, place ("token_ids[1][0]"), expectation and what was found: ids outside [0, vocabulary),
// rows longer than `context`, other keys.
Batch read_token_ids(const std::string& path, int64_t vocabulary, int64_t context);

}  // namespace moe
