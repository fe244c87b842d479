#include "train/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/report/axis.h"
#include "train/report/html.h"

namespace moe {
namespace {

// In the units of the drawing, which is scaled to the figure's width: on a phone by about 0.8.
constexpr double kWidth = 400, kHeight = 220;
constexpr double kLeft = 46, kRight = 388, kTop = 10, kBottom = 184;
constexpr size_t kColors = 8;
constexpr size_t kMostDots = 40;  // more would run into one another

struct Frame {
  Axis x, y;
  double px(double value) const { return kLeft + x.share(value) * (kRight - kLeft); }
  double py(double value) const { return kBottom - y.share(value) * (kBottom - kTop); }
};

bool drawable(double y, bool log) { return std::isfinite(y) && (!log || y > 0); }

// Points with what cannot be drawn as NaN, few enough to draw.
std::vector<ChartSeries> prepared(const LineChart& chart) {
  auto all = chart.series;
  for (auto& series : all) {
    std::erase_if(series.points, [](const ChartPoint& p) { return !std::isfinite(p.x); });
    for (auto& point : series.points) {
      for (double* value : {&point.y, &point.low, &point.high}) {
        if (!drawable(*value, chart.log_y)) {
          *value = std::numeric_limits<double>::quiet_NaN();
        }
      }
    }
    series.points = thinned(series.points, kMostChartPoints);
  }
  return all;
}

std::optional<Frame> frame_of(const LineChart& chart, const std::vector<ChartSeries>& all) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double left = kInfinity, right = -kInfinity, low = kInfinity, high = -kInfinity;
  for (const auto& series : all) {
    for (const auto& point : series.points) {
      for (const double value : {point.y, point.low, point.high}) {
        if (std::isfinite(value)) {
          left = std::min(left, point.x), right = std::max(right, point.x);
          low = std::min(low, value), high = std::max(high, value);
        }
      }
    }
  }
  if (low > high) {
    return std::nullopt;
  }
  if (chart.from_zero) {
    low = std::min(low, 0.0), high = std::max(high, 0.0);
  }
  return Frame{linear_axis(left, right, 5),
               chart.log_y ? log_axis(low, high) : round_axis(low, high, 5)};
}

std::string axes(const LineChart& chart, const Frame& frame) {
  std::string svg;
  for (const auto& tick : frame.y.ticks) {
    const auto y = drawn(frame.py(tick.value));
    svg += "<path class=\"axis\" d=\"M" + drawn(kLeft) + " " + y + "H" + drawn(kRight) +
           "\"/><text x=\"" + drawn(kLeft - 5) + "\" y=\"" + drawn(frame.py(tick.value) + 4) +
           "\" text-anchor=\"end\">" + escape_html(tick.label) + "</text>\n";
  }
  for (const auto& tick : frame.x.ticks) {
    const double x = frame.px(tick.value);
    svg += "<path class=\"axis\" d=\"M" + drawn(x) + " " + drawn(kBottom) + "v4\"/><text x=\"" +
           drawn(x) + "\" y=\"" + drawn(kBottom + 16) + "\" text-anchor=\"" +
           (x > kRight - 12 ? "end" : "middle") + "\">" + escape_html(tick.label) + "</text>\n";
  }
  return svg + "<path class=\"axis\" d=\"M" + drawn(kLeft) + " " + drawn(kBottom) + "H" +
         drawn(kRight) + "\"/><text x=\"" + drawn((kLeft + kRight) / 2) + "\" y=\"" +
         drawn(kHeight - 5) + "\" text-anchor=\"middle\">" + escape_html(chart.x_label) +
         "</text>\n";
}

// Closed outlines around every stretch of points that have a band.
std::string band_path(const ChartSeries& series, const Frame& frame) {
  std::string path, upper, lower;
  const auto close = [&] {
    if (!upper.empty()) {
      path += "M" + upper.substr(1) + lower + "Z";
    }
    upper.clear(), lower.clear();
  };
  for (const auto& p : series.points) {
    if (std::isfinite(p.low) && std::isfinite(p.high) && std::isfinite(p.y)) {
      const auto x = drawn(frame.px(p.x)) + " ";
      upper += "L" + x + drawn(frame.py(p.high));
      lower = "L" + x + drawn(frame.py(p.low)) + lower;
    } else {
      close();
    }
  }
  close();
  return path;
}

std::string line_path(const ChartSeries& series, const Frame& frame) {
  std::string path;
  bool open = false;
  for (size_t i = 0; i < series.points.size(); ++i) {
    const auto& p = series.points[i];
    if (!std::isfinite(p.y)) {
      open = false;
      continue;
    }
    path += std::string(open ? "L" : "M") + drawn(frame.px(p.x)) + " " + drawn(frame.py(p.y));
    const bool alone =
        !open && (i + 1 == series.points.size() || !std::isfinite(series.points[i + 1].y));
    path += alone ? "h.1" : "";  // with round ends, a dot
    open = true;
  }
  return path;
}

// Colour and, from the ninth series on, dashes.
std::string stroke(size_t index) {
  return "stroke=\"var(--s" + std::to_string(index % kColors) + ")\"" +
         (index >= kColors ? " stroke-dasharray=\"5 3\"" : "");
}

std::string drawing(const ChartSeries& series, const Frame& frame, size_t index) {
  std::string svg;
  if (const auto band = band_path(series, frame); !band.empty()) {
    svg += "<path class=\"band\" fill=\"var(--s" + std::to_string(index % kColors) + ")\" d=\"" +
           band + "\"/>\n";
  }
  svg += "<path class=\"line\" stroke-linecap=\"round\" " + stroke(index) + " d=\"" +
         line_path(series, frame) + "\"/>\n";
  if (series.dots && series.points.size() <= kMostDots) {
    for (const auto& p : series.points) {
      if (std::isfinite(p.y)) {
        svg += "<circle r=\"2.5\" fill=\"var(--s" + std::to_string(index % kColors) + ")\" cx=\"" +
               drawn(frame.px(p.x)) + "\" cy=\"" + drawn(frame.py(p.y)) + "\"/>";
      }
    }
  }
  return svg;
}

std::string legend(const std::vector<ChartSeries>& all) {
  if (all.size() < 2) {
    return "";
  }
  std::string html = "<ul class=\"legend\">";
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].points.empty()) {
      continue;
    }
    html +=
        "<li><svg viewBox=\"0 0 22 8\" aria-hidden=\"true\"><path d=\"M0 4H22\" "
        "stroke-width=\"3\" " +
        stroke(i) + "/></svg>" + escape_html(all[i].name) + "</li>";
  }
  return html + "</ul>";
}

// What the page's script shows on hover.
std::string hover_data(const LineChart& chart, const Frame& frame,
                       const std::vector<ChartSeries>& all) {
  std::string json = "{\"kind\":\"line\",\"label\":" + json_for_script(chart.x_label) +
                     ",\"box\":" + json_numbers({kLeft, kTop, kRight, kBottom}) +
                     ",\"x\":" + json_numbers({frame.x.low, frame.x.high}) + ",\"series\":[";
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<double> x, y, low, high;
    for (const auto& p : all[i].points) {
      x.push_back(p.x), y.push_back(p.y), low.push_back(p.low), high.push_back(p.high);
    }
    json += std::string(i > 0 ? "," : "") + "{\"name\":" + json_for_script(all[i].name) +
            ",\"x\":" + json_numbers(x) + ",\"y\":" + json_numbers(y) +
            ",\"low\":" + json_numbers(low) + ",\"high\":" + json_numbers(high) + "}";
  }
  return "<script type=\"application/json\">" + json + "]}</script>";
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  auto all = prepared(chart);
  const auto frame = frame_of(chart, all);
  std::string title = chart.title;
  if (!chart.y_label.empty()) {
    title += ", " + chart.y_label;
  }
  std::string html = "<figure><figcaption>" + escape_html(title);
  if (!chart.note.empty()) {
    html += "<p class=\"note\">" + escape_html(chart.note) + "</p>";
  }
  if (!frame) {
    return html + "</figcaption><p class=\"note\">No finite value yet.</p></figure>\n";
  }
  html += legend(all) + "</figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 " + drawn(kWidth) +
          " " + drawn(kHeight) + "\" role=\"img\" aria-label=\"" + escape_html(title) + "\">\n" +
          axes(chart, *frame);
  for (size_t i = 0; i < all.size(); ++i) {
    html += drawing(all[i], *frame, i);
  }
  return html + "<line class=\"cursor\" y1=\"" + drawn(kTop) + "\" y2=\"" + drawn(kBottom) +
         "\"/></svg></div>\n" + hover_data(chart, *frame, all) + "</figure>\n";
}

}  // namespace moe
