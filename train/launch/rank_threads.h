// How many CPU threads one of a machine's ranks takes.
#pragma once

#include "train/launch/launch.h"

namespace moe {

// `wanted` (train.threads) where it is above 0. Else a rank alone takes all `cores` that LibTorch would; of
// several, each what OMP_NUM_THREADS says (torchrun sets it to 1 where the user has not), or all cores that the
// launcher has bound it to, or else its share of the machine's.
int rank_threads(int64_t wanted, int cores, const Launch& launch);

}  // namespace moe
