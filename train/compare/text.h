// moe-compare's report for people.
#pragma once

#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/text_table.h"

namespace moe {

struct TitledTable {
  std::string title;
  TextTable table;
};

// Of compare(): quality, cost and, where a variant has experts, routing.
std::vector<TitledTable> compare_tables(const Json& report);

// Of compare(): quality, cost and routing as a table each, or the one table over time where the
// report has it. Warnings are not repeated here.
std::string compare_text(const Json& report, bool markdown);

// "12.3 M": three significant digits with a factor of 1000 as K, M, G, T, P, E.
std::string short_number(double value);

}  // namespace moe
