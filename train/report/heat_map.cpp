#include "train/report/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "train/report/axis.h"
#include "train/report/html.h"
#include "train/text_table.h"

namespace moe {
namespace {

// In the units of the drawing, as those of line charts.
constexpr double kMapWidth = 400, kMapRight = 388, kMapTop = 6;
constexpr double kLetter = 6;  // width of one in a label, about
constexpr size_t kMostLetters = 20;  // of a row's name
constexpr size_t kMostRows = 64;

// Where the rows begin: behind their names.
double left_of(const HeatMap& map) {
  size_t longest = 0;
  for (const auto& name : map.rows) longest = std::max(longest, text_width(name));
  return std::max(46.0, 14 + kLetter * static_cast<double>(std::min(kMostLetters, longest)));
}

// The values that are shown, by column, then by row: load relative to the fair share, or what the map
// has; NaN where it has no meaning.
std::vector<std::vector<double>> shares(const HeatMap& map, size_t experts, size_t per_row) {
  std::vector<std::vector<double>> all;
  for (const auto& column : map.load) {
    if (column.size() != experts) {
      all.emplace_back((experts + per_row - 1) / per_row,
                       std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    double sum = 0;
    for (const double load : column) {
      sum += load;
    }
    const double fair = map.values ? 1 : sum / static_cast<double>(experts);
    std::vector<double> rows;
    for (size_t begin = 0; begin < experts; begin += per_row) {
      const size_t end = std::min(begin + per_row, experts);
      double of_row = 0;
      for (size_t expert = begin; expert < end; ++expert) {
        of_row += column[expert];
      }
      const bool any = map.values || (std::isfinite(sum) && sum > 0);
      rows.push_back(any ? of_row / static_cast<double>(end - begin) / fair
                         : std::numeric_limits<double>::quiet_NaN());
    }
    all.push_back(std::move(rows));
  }
  return all;
}

int level_of(double share) {
  if (!std::isfinite(share)) {
    return -1;
  }
  return std::clamp(static_cast<int>(std::lround(share / 2 * (kHeatLevels - 1))), 0,
                    kHeatLevels - 1);
}

// One path per colour: a rectangle per stretch of equal colour in a row keeps pages small.
std::string cells(const std::vector<std::vector<double>>& share, double middle,
                  const std::vector<double>& edges, double height) {
  std::array<std::string, kHeatLevels> paths;
  for (size_t row = 0; row < share.front().size(); ++row) {
    for (size_t column = 0; column < share.size();) {
      const int level = level_of(share[column][row] / middle);
      size_t end = column + 1;
      while (end < share.size() && level_of(share[end][row] / middle) == level) {
        ++end;
      }
      if (level >= 0) {
        // A little taller than a row, or the background shines through between rows.
        paths[static_cast<size_t>(level)] +=
            "M" + drawn(edges[column]) + " " + drawn(kMapTop + static_cast<double>(row) * height) +
            "H" + drawn(edges[end]) + "v" + drawn(height + (height > 8 ? -0.6 : 0.2)) + "H" +
            drawn(edges[column]) + "Z";
      }
      column = end;
    }
  }
  std::string svg;
  for (size_t level = 0; level < paths.size(); ++level) {
    if (!paths[level].empty()) {
      svg += "<path fill=\"var(--h" + std::to_string(level) + ")\" d=\"" + paths[level] + "\"/>\n";
    }
  }
  return svg;
}

std::string legend_number(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2g", value);
  return text.data();
}

std::string legend(const HeatMap& map) {
  std::string html =
      "<div class=\"scale\">0 <svg viewBox=\"0 0 110 10\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\">";
  const double width = 110.0 / kHeatLevels;
  for (int level = 0; level < kHeatLevels; ++level) {
    html += "<rect x=\"" + drawn(level * width) + "\" width=\"" + drawn(width + 0.2) +
            "\" height=\"10\" fill=\"var(--h" + std::to_string(level) + ")\"/>";
  }
  const double middle = map.values ? map.values->middle : 1;
  const auto name = map.values ? map.values->middle_name : "the fair share";
  return html + "</svg> " + legend_number(2 * middle) + " and more; " + legend_number(middle) +
         " is " + escape_html(name) + "</div>";
}

std::vector<std::string> row_names(size_t experts, size_t per_row) {
  std::vector<std::string> names;
  for (size_t begin = 0; begin < experts; begin += per_row) {
    const size_t last = std::min(begin + per_row, experts) - 1;
    names.push_back(per_row == 1
                        ? "expert " + std::to_string(begin)
                        : "experts " + std::to_string(begin) + " to " + std::to_string(last));
  }
  return names;
}

std::string row_label(const std::string& name) {
  return escape_html(text_width(name) <= kMostLetters ? name
                                                      : name.substr(0, kMostLetters - 3) + "...");
}

std::string row_labels(const HeatMap& map, size_t rows, size_t per_row, double height) {
  const size_t every = std::max<size_t>(1, static_cast<size_t>(std::ceil(14 / height)));
  std::string svg;
  for (size_t row = 0; row < rows; row += every) {
    svg += "<text x=\"" + drawn(left_of(map) - 5) + "\" y=\"" +
           drawn(kMapTop + (static_cast<double>(row) + 0.5) * height + 4) +
           "\" text-anchor=\"end\">" +
           (map.rows.empty() ? std::to_string(row * per_row) : row_label(map.rows[row])) + "</text>";
  }
  return svg;
}

// Where x is a scale the axis has them; else every column has one, or as many as there is room for.
std::vector<Tick> column_ticks(const HeatMap& map, const Axis& axis) {
  constexpr size_t kMostNames = 14;
  if (map.columns.empty()) {
    return axis.ticks;
  }
  const size_t every = (map.columns.size() + kMostNames - 1) / kMostNames;
  std::vector<Tick> ticks;
  for (size_t i = 0; i < map.columns.size(); i += every) {
    ticks.push_back({static_cast<double>(i) + 0.5, map.columns[i]});
  }
  return ticks;
}

std::string hover_data(const HeatMap& map, const std::vector<std::vector<double>>& share,
                       const std::vector<std::string>& rows, double bottom) {
  std::string json = "{\"kind\":\"heat\",\"label\":" + json_for_script(map.x_label) +
                     ",\"box\":" + json_numbers({left_of(map), kMapTop, kMapRight, bottom}) +
                     ",\"x\":" + json_numbers({map.x.front(), map.x_end}) +
                     ",\"starts\":" + json_numbers(map.x) + ",\"rows\":" + json_for_script(rows) +
                     (map.columns.empty() ? "" : ",\"columns\":" + json_for_script(map.columns)) +
                     (map.values ? ",\"unit\":" + json_for_script(map.values->unit) : "") +
                     ",\"load\":[";
  for (size_t column = 0; column < share.size(); ++column) {
    std::vector<double> percent;
    for (const double value : share[column]) {
      percent.push_back(std::round(value * 100));
    }
    json += (column > 0 ? "," : "") + json_numbers(percent);
  }
  return "<script type=\"application/json\">" + json + "]}</script>";
}

}  // namespace

std::string heat_map(const HeatMap& map) {
  std::string html = "<figure><figcaption>" + escape_html(map.title);
  const size_t experts = map.load.empty() ? 0 : map.load.front().size();
  if (experts == 0 || map.x.size() != map.load.size() || !(map.x_end > map.x.front())) {
    return html + "</figcaption><p class=\"note\">No load yet.</p></figure>\n";
  }
  const size_t per_row = (experts + kMostRows - 1) / kMostRows;
  auto note = map.note;
  if (per_row > 1) {
    note += (note.empty() ? "" : " ") + std::string("Each row is the mean of ") +
            std::to_string(per_row) + " neighbouring experts of " + std::to_string(experts) + ".";
  }
  const auto share = shares(map, experts, per_row);
  const auto names = map.rows.empty() ? row_names(experts, per_row) : map.rows;
  const double left = left_of(map);
  const double height = std::clamp(160.0 / static_cast<double>(names.size()), 3.5, 22.0);
  const double bottom = kMapTop + height * static_cast<double>(names.size());
  const auto axis = linear_axis(map.x.front(), map.x_end, 5);
  const auto px = [&](double x) { return left + axis.share(x) * (kMapRight - left); };
  std::vector<double> edges;
  for (const double x : map.x) {
    edges.push_back(px(x));
  }
  edges.push_back(px(map.x_end));
  html += (note.empty() ? "" : "<p class=\"note\">" + escape_html(note) + "</p>") + legend(map) +
          "</figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 " + drawn(kMapWidth) + " " +
          drawn(bottom + 34) + "\" role=\"img\" aria-label=\"" + escape_html(map.title) + "\">\n" +
          row_labels(map, names.size(), per_row, height) +
          cells(share, map.values ? map.values->middle : 1, edges, height);
  for (const auto& tick : column_ticks(map, axis)) {
    const double x = px(tick.value);
    html += "<path class=\"axis\" d=\"M" + drawn(x) + " " + drawn(bottom) + "v4\"/><text x=\"" +
            drawn(x) + "\" y=\"" + drawn(bottom + 16) + "\" text-anchor=\"" +
            (x > kMapRight - 12 ? "end" : "middle") + "\">" + escape_html(tick.label) + "</text>";
  }
  html += "<text x=\"" + drawn((left + kMapRight) / 2) + "\" y=\"" + drawn(bottom + 30) +
          "\" text-anchor=\"middle\">" + escape_html(map.x_label) + "</text>";
  return html + "<line class=\"cursor\" y1=\"" + drawn(kMapTop) + "\" y2=\"" + drawn(bottom) +
         "\"/></svg></div>\n" + hover_data(map, share, names, bottom) + "</figure>\n";
}

}  // namespace moe
