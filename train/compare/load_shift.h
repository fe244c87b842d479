// Where tokens go before and after continuing, and by what the model is asked to do.
#pragma once

#include <vector>

#include "train/compare/variants.h"

namespace moe {

// Half the sum of |a_e / sum a - b_e / sum b| (total variation): 0 for equal shares, 1 for disjoint ones. NaN for lists
// of different lengths and for loads of nothing.
double load_distance(const std::vector<double>& a, const std::vector<double>& b);

// Of every variant whose finished runs have loads in eval.jsonl, a list of {name, objectives}: objectives is by name
// (causal and each denoiser) a list over layers of
//   {layer, max_vio, max_vio_before, moved, from_causal}
//     max_vio          after, mean over seeds; _before: of the checkpoint it began with, null where not measured
//     moved            load_distance() of the shares before and after, mean over seeds; null likewise
//     from_causal      load_distance() of this objective's shares and causal's, both after; null for causal
// Runs of one seed count once, by their mean. Null where no variant has such.
Json load_figures(const std::vector<Variant>& variants);

}  // namespace moe
