// Tables of what continuing did to tasks and to the load of experts.
#pragma once

#include <vector>

#include "train/compare/text.h"

namespace moe {

// Of compare(), where the report has them: a table of tasks for each continued variant, one of all variants'
// changes against their controls, and the load of experts by objective.
std::vector<TitledTable> transfer_tables(const Json& report);

}  // namespace moe
