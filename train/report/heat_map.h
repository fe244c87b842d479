// A matrix as inline SVG in a <figure>, values on hover. Mostly expert load: a row per expert, a column
// per stretch of time or per layer, the colour is the load relative to the fair share.
#pragma once

#include <optional>
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
  // Names of the rows where they are not experts: as many as each column has values, 64 at most.
  std::vector<std::string> rows = {};
  // Where `load` is no load: its values are drawn and shown as they are. NaN is left empty.
  struct Values {
    double middle = 1;        // the value of the middle colour; the last colour has twice of it
    std::string middle_name;  // "1 is MIDDLE_NAME"
    std::string unit;         // behind a value
  };
  std::optional<Values> values = {};
};

// HTML of the map: a sentence in its place where there is nothing to draw. With more than 64
// experts neighbours share a row, which shows their mean, and the note says how many.
std::string heat_map(const HeatMap& map);

}  // namespace moe
