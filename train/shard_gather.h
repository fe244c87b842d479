// After a sharded update: every rank gets the others' shares of the parameters.
#pragma once

#include <vector>

#include "layers/torch.h"
#include "moe/rank_group.h"

namespace moe {

// Rank r of `holders` has updated elements span_of(numel, r, R) of every parameter; afterwards all have all.
// Parameters are contiguous and of one dtype. About `bytes` are gathered at once. Throws RankFailure.
void gather_shards(const std::vector<Tensor>& parameters, const RankGroup& holders, double bytes);

}  // namespace moe
