// Expert load as inline SVG in a <figure>: a row per expert, a column per stretch of time or per
// layer, the colour is the load relative to the fair share, values on hover.
#pragma once

#include <string>
#include <vector>

namespace moe {

struct HeatMap {
  std::string title;
  std::string note;  // a sentence under the title; may be empty
  std::string x_label = "step";
  std::vector<double> x;  // the first x of each column, ascending
  double x_end = 0;       // where the last column ends
  // Their names, where x is no scale but their place: 0, 1, 2, ...
  std::vector<std::string> columns;
  // By column, then by expert: what each expert got, in any unit (tokens, slots); the fair share
  // is a column's mean. A column is left empty whose sum is 0 or not finite, or that has another
  // number of experts than the first.
  std::vector<std::vector<double>> load;
};

// HTML of the map: a sentence in its place where there is nothing to draw. With more than 64
// experts neighbours share a row, which shows their mean, and the note says how many.
std::string heat_map(const HeatMap& map);

}  // namespace moe
