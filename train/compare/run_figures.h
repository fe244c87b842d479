// The figures of one run and of one variant, as moe-compare reports them (train/compare/compare.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// {name, folder, seed, steps, finished, value, cost, began_with, total, moe}.
Json run_figures(const RunRecord& run, const std::string& metric);

// {name, full_name, seeds, value, difference (null), cost, began_with, total, parameters, flops_per_token, moe,
// runs}.
Json variant_figures(const Variant& variant, const std::string& metric);

// The final value by seed, from run_figures(), by mean_by_seed(). Runs without a value are left out, and
// unfinished ones, whose last value is none of the end.
std::map<int64_t, double> values_by_seed(const Json& runs);

// Mean over those that are numbers, of the figure at this JSON pointer; null when none is one.
Json mean_figure(const Json& runs, const std::string& pointer);

}  // namespace moe
