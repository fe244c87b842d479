// Many small tensors added up over ranks in one collective.
#pragma once

#include <string>
#include <vector>

#include "layers/torch.h"
#include "moe/rank_group.h"

namespace moe {

// Each of `tensors`, all of one type and on one device, becomes the sum of the ranks' (RankGroup::sum); what they
// shared memory with stays as it was. Every rank names as many, of the same sizes. A rank alone keeps its own.
void sum_together(const RankGroup& ranks, const std::vector<Tensor*>& tensors, const std::string& what);

}  // namespace moe
