// Tables of what training cost in all, and what was saved.
#pragma once

#include <string>
#include <vector>

#include "train/compare/text.h"

namespace moe {

// Of compare(): total cost, and, where the report has them, savings at equal quality, what continuing cost beside
// its base, and sparse against dense at equal cost.
std::vector<TitledTable> compute_tables(const Json& report);

// "2.35x", or "not reached": of an entry of savings_figures().
std::string shown_savings(const Json& saved);
// "the ends of base, causal-5": what the savings are read off.
std::string savings_curve_text(const Json& savings);

}  // namespace moe
