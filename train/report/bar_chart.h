// Shares of a whole as bars in a <figure>: a row each, with its name and its share in per cent.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace moe {

struct BarChart {
  std::string title;
  std::string note;  // a sentence under the title; may be empty
  std::vector<std::pair<std::string, double>> bars;  // name, amount: at least 0, in any unit
};

// HTML of the chart: a sentence in its place where the amounts do not sum to a number above 0.
std::string bar_chart(const BarChart& chart);

}  // namespace moe
