// What variants save against the baseline's curve, of every cost that runs note.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/compare/compute.h"
#include "train/compare/variants.h"

namespace moe {

// {better, curve, axes}, or null where there is nothing to hold against a curve: a metric that is neither good nor
// bad (higher_is_better()), or no variant beside the curve.
//   better   "higher" or "lower"
//   curve    {from: "validations" or "ends", variants: names}: the courses of the baseline's finished runs; or, with
//            variants in `curve`, the end of each of them, their schedules being finished
//   axes     a list of {by, curve, variants} for total_flops, as `flops` counts them, total_tokens, total_seconds and
//            total_joules (not where runs' joules are of several kinds), those that the curve has
//     curve     a list of {compute, quality}, means over seeds
//     variants  a list of {name, seeds, compute, quality, reach (reach_text(), or "measured on other text":
//               measured_otherwise()), baseline_compute, ratio, saved (saved_share()), ci, drawn, draws_not_reached}: of
//               savings() (train/compare/savings.h). ci is null for one seed, its ends are null where they are open;
//               drawn are the sides whose seeds were drawn again, "candidate" and "baseline": those with two at least.
// Of finished runs; runs of one seed count once, by their mean.
Json savings_figures(const std::vector<Variant>& variants, size_t baseline, const std::vector<size_t>& curve,
                     const std::string& metric, AttentionFlops flops);

}  // namespace moe
