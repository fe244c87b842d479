// What makes continued runs and their tasks hard to compare.
#pragma once

#include <string>
#include <vector>

#include "train/compare/variants.h"

namespace moe {

// One sentence each: costs and records of a beginning that are not known, and tasks that were measured otherwise.
std::vector<std::string> continued_warnings(const std::vector<Variant>& variants);

}  // namespace moe
