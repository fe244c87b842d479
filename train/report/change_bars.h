// Changes of one figure as bars to either side of zero, a row each, with the intervals they are known in: inline
// SVG in a <figure>.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moe {

struct ChangeBars {
  struct Bar {
    std::string name;
    size_t color = 0;   // its place among the page's series
    double change = 0;  // a bar that is not finite has its name alone
    std::optional<std::pair<double, double>> interval;
  };
  std::string title;
  std::string note;  // a sentence under the title; may be empty
  std::vector<Bar> bars;
};

// HTML of the chart: a sentence in its place where no change is a number.
std::string change_bars(const ChangeBars& chart);

}  // namespace moe
