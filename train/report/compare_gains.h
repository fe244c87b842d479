// The figures of moe-compare --html that say what continuing was worth: savings as arrows, changes of tasks as bars.
#pragma once

#include <string>
#include <vector>

#include "data/formats/json_text.h"

namespace moe {

// HTML, of compare(); empty where the report has no savings. `names` are the page's variants: a variant's place gives
// its colour.
std::string savings_figures_html(const Json& report, const std::vector<std::string>& names);

// A figure for each task of the changes since before, and of those against the control. Empty where the report has no
// `transfer`.
std::string transfer_figures_html(const Json& report, const std::vector<std::string>& names);

}  // namespace moe
