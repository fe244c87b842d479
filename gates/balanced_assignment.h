// Tokens to experts so that no expert has more than its share and the sum of scores is (nearly) as
// large as can be: the auction algorithm for groups of alike objects (Bertsekas and Castanon 1989,
// Parallel Computing 12), which BASE layers use (Lewis et al. 2021, arXiv 2103.16716, section 3.1).
#pragma once

#include <cstdint>
#include <vector>

#include "layers/torch.h"

namespace moe {

// The expert of every token; none has more than ceil(N / E). scores [N, E] float64, contiguous, on the
// CPU. Deterministic, ties included. The sum is within N * step of the best one, with step the largest
// difference between scores of one token / 50, at least 1e-4 (fairseq's, there of all scores). Scores
// that are not finite, of which nothing is best, give round robin.
std::vector<int64_t> balanced_assignment(const Tensor& scores);

}  // namespace moe
