// What continuing cost beside what it continued.
#pragma once

#include "data/formats/json_text.h"
#include "train/compare/compute.h"

namespace moe {

// Of every continued variant {name, flops, tokens, seconds, joules}, each {own, before, share}: what its own steps
// cost, by its own counters, what the checkpoint had cost, and the one over the other; each null where it is not known.
// `figures` are variant_figures() (train/compare/run_figures.h). Null where no variant is continued.
Json overhead_figures(const Json& figures, AttentionFlops flops);

}  // namespace moe
