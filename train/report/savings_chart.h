// What variants save, as arrows: from each one's cost to the baseline's at equal quality, in the manner of figure 1 of
// UL2R (Tay et al. 2022, arXiv 2210.11399). Inline SVG in a <figure>.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moe {

struct SavingsChart {
  struct Candidate {
    std::string name;
    size_t color = 0;  // its place among the page's series
    double cost = 0;
    double quality = 0;
    std::optional<double> baseline_cost;  // none: not on the curve
    std::string label;                    // beside the arrow: "2.1x"; or why there is none
  };
  std::string title;
  std::string note;  // a sentence under the title; may be empty
  std::string x_label;
  std::string curve_name;
  std::vector<std::pair<double, double>> curve;  // cost above 0 and quality, by ascending cost
  std::vector<Candidate> candidates;
};

// HTML of the chart; the axis of costs is logarithmic, on which the curve that costs are read off is straight between
// its points. A sentence in its place where there is nothing that can be drawn.
std::string savings_chart(const SavingsChart& chart);

}  // namespace moe
