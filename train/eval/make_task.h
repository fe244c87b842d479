// A multiple-choice task made of any text, so that there is something to measure at small scale: which of four pieces
// of the text goes on where this one stops. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/json_text.h"

namespace moe {

// In BIG-bench's format (train/eval/task_file.h), one example of every piece that has one, at most `items`: about 96
// bytes of it and as a choice the next 32 or so, both cut between words (of a short piece three fifths and a fifth of
// it). The other three choices are what comes next in three other pieces, so that a choice by itself tells nothing.
// Pieces that are not UTF-8 are left out. A pure function of its arguments. Throws RunError where there are no four
// continuations that differ.
Json continuation_task(const std::vector<std::string>& pieces, int64_t items, uint64_t seed);

}  // namespace moe
