// moe-compare's report for people.
#pragma once

#include <string>

#include "data/formats/metrics_file.h"

namespace moe {

// Of compare(): quality, cost and routing as a table each, or the one table over time where the
// report has it. Warnings are not repeated here.
std::string compare_text(const Json& report, bool markdown);

// "12.3 M": three significant digits with a factor of 1000 as K, M, G, T, P, E.
std::string short_number(double value);

}  // namespace moe
