// A paired test as the reports of moe-compare have it.
#pragma once

#include <vector>

#include "data/formats/json_text.h"
#include "train/compare/statistics.h"

namespace moe {

// {mean, pairs, ci, t, p, p_holm}: of a - b; null where there is none, p_holm until add_holm().
Json test_figures(const PairedTest& test);

// p_holm of those tests that have a p, corrected for all of them together.
void add_holm(const std::vector<Json*>& tests);

}  // namespace moe
