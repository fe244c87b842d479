// The choice of the next token from the logits of the last one. Pure: the random number is handed
// in.
//
// Top-p (nucleus) sampling is by Holtzman et al. 2020, arXiv 1904.09751.
#pragma once

#include <cstdint>
#include <vector>

#include "data/tokenizer.h"

namespace moe {

// The ids that a continuation may be made of, ascending: those that decode to bytes, and the end.
// Mode tokens and sentinels of denoising objectives are not among them.
std::vector<int64_t> continuation_ids(const Tokenizer& tokenizer);

// One of `allowed` (not empty; the first of equals is the lowest id when they ascend).
//   temperature 0: the largest logit, the first of equals.
//   temperature > 0: drawn from softmax(logits / temperature) over `allowed`, cut to its likeliest
//   ids that together have at least `top_p` of it; `uniform` in [0, 1) is the draw.
// Throws RunError when the logit of an allowed id is not a number or +infinity.
int64_t choose_token(const std::vector<float>& logits, const std::vector<int64_t>& allowed,
                     double temperature, double top_p, double uniform);

// Uniform in [0, 1) with 53 bits: a pure function, so that neither the number of samples nor the
// order in which they are made changes any of them.
double sampling_noise(uint64_t seed, int64_t sample, int64_t position);

}  // namespace moe
