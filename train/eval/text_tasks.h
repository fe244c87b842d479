// What a model makes of held-out text: words that were blanked out, and how a text goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/eval/score.h"
#include "train/eval/subject.h"
#include "train/prompt.h"

namespace moe {

// Of every piece of text about half a context, with `blanks` words left out: greedily filled by infill(). Pieces with
// too few words are left out.
//   exact_match     share of its blanks that are filled with the very word
//   edit_distance   normalised_edit_distance() of what was written, mean over its blanks
Scores infilling_scores(Subject& subject, const std::vector<std::string>& pieces, int64_t blanks,
                        const std::string& mode, uint64_t seed);

// Of every piece the beginning, about half a context to the beginning of a word, is the prompt, and the next 32 bytes,
// of a small context a quarter of it, are the truth. Greedily continued by as many bytes:
//   exact_match     whether the next word is the very one
//   edit_distance   normalised_edit_distance() of the bytes
//   loss            of the truth, nats per byte
Scores prefix_scores(Subject& subject, const std::vector<std::string>& pieces, const PromptForm& form);

}  // namespace moe
