// A line chart as inline SVG in a <figure>: axes with round ticks, bands, legend, values on hover.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

namespace moe {

struct ChartPoint {
  double x = 0;
  double y = 0;  // NaN: a gap in the line
  // The band's edges at x; NaN where there is none.
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct ChartSeries {
  std::string name;                // text; in the legend where there are several series
  std::vector<ChartPoint> points;  // by ascending x; without any it only keeps its colour
  bool dots = false;               // mark every point where they are few
};

struct LineChart {
  std::string title;
  std::string note;  // a sentence under the title, such as what the band is; may be empty
  std::string x_label = "step";
  std::string y_label;
  std::vector<ChartSeries> series;
  bool log_y = false;      // points at or below 0 are gaps then
  bool from_zero = false;  // the axis begins at 0
};

// HTML of the chart: a sentence in its place where there is no point to draw. A series of more than
// kMostChartPoints is thinned to the means of buckets of equal width in x, with their lowest and
// highest value as the band (thinned()). Eight colours, safe for the colour-blind in light and
// dark; series from the ninth on repeat them dashed.
std::string line_chart(const LineChart& chart);

constexpr size_t kMostChartPoints = 300;

// At most `most` points that show the same: the mean over each bucket that holds a number, with its
// lowest and highest value (and edges of bands) as the band. Points as they are when they are few;
// a bucket whose values are all NaN stays a gap.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t most);

// The one point that thinned() makes of these; as it is when it is one. Requires one at least.
ChartPoint merged_points(std::span<const ChartPoint> points);

}  // namespace moe
