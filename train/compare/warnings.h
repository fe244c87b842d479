// What makes the figures of a comparison hard to compare.
#pragma once

#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// One sentence each. `figures` are variant_figures() of the variants, in their order.
std::vector<std::string> comparison_warnings(const std::vector<Variant>& variants,
                                             const Json& figures, const std::string& metric);

}  // namespace moe
