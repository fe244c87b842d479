#include "train/report/savings_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/report/axis.h"
#include "train/report/html.h"

namespace moe {
namespace {

// In the units of the drawing, as in line_chart.cpp.
struct SavingsFrame {
  static constexpr double kWide = 400, kHigh = 240, kFrom = 46, kTo = 388, kUpper = 14, kLower = 204;
  Axis x, y;
  double px(double cost) const { return kFrom + x.share(cost) * (kTo - kFrom); }
  double py(double quality) const { return kLower - y.share(quality) * (kLower - kUpper); }
};

constexpr size_t kMostArrowLabels = 12;  // more would lie on one another; the table has them

bool on_chart(double cost, double quality) { return std::isfinite(cost) && cost > 0 && std::isfinite(quality); }

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) { low = std::min(low, value), high = std::max(high, value); }
};

std::string curve_color() { return "var(--soft)"; }

std::string series_color(size_t index) { return "var(--s" + std::to_string(index % 8) + ")"; }

std::string savings_axes(const SavingsChart& chart, const SavingsFrame& frame) {
  std::string svg;
  for (const auto& tick : frame.y.ticks) {
    const double y = frame.py(tick.value);
    svg += "<path class=\"axis\" d=\"M" + drawn(SavingsFrame::kFrom) + " " + drawn(y) + "H" + drawn(SavingsFrame::kTo) +
           "\"/><text x=\"" + drawn(SavingsFrame::kFrom - 5) + "\" y=\"" + drawn(y + 4) + "\" text-anchor=\"end\">" +
           escape_html(tick.label) + "</text>\n";
  }
  for (const auto& tick : frame.x.ticks) {
    const double x = frame.px(tick.value);
    svg += "<path class=\"axis\" d=\"M" + drawn(x) + " " + drawn(SavingsFrame::kLower) + "v4\"/><text x=\"" + drawn(x) +
           "\" y=\"" + drawn(SavingsFrame::kLower + 16) + "\" text-anchor=\"" +
           (x > SavingsFrame::kTo - 12 ? "end" : "middle") + "\">" + escape_html(tick.label) + "</text>\n";
  }
  return svg + "<text x=\"" + drawn((SavingsFrame::kFrom + SavingsFrame::kTo) / 2) + "\" y=\"" +
         drawn(SavingsFrame::kHigh - 5) + "\" text-anchor=\"middle\">" + escape_html(chart.x_label) + "</text>\n";
}

std::string dot(double x, double y, const std::string& color, const std::string& text) {
  return "<circle r=\"3\" fill=\"" + color + "\" cx=\"" + drawn(x) + "\" cy=\"" + drawn(y) + "\"><title>" +
         escape_html(text) + "</title></circle>\n";
}

std::string curve_drawing(const SavingsChart& chart, const SavingsFrame& frame) {
  std::string path, dots;
  for (const auto& [cost, quality] : chart.curve) {
    if (on_chart(cost, quality)) {
      const double x = frame.px(cost), y = frame.py(quality);
      path += (path.empty() ? "M" : "L") + drawn(x) + " " + drawn(y);
      dots += dot(x, y, curve_color(), chart.curve_name + ": " + html_number(quality) + " at " + html_number(cost));
    }
  }
  return "<path class=\"line\" stroke=\"" + curve_color() + "\" d=\"" + path + "\"/>\n" + dots;
}

// A line along equal quality with its head on the curve.
std::string arrow(double from, double to, double y, const std::string& color) {
  const double back = to > from ? -6 : 6;  // of the head's foot
  return "<path class=\"line arrow\" stroke=\"" + color + "\" d=\"M" + drawn(from) + " " + drawn(y) + "H" + drawn(to) +
         "\"/><path fill=\"" + color + "\" d=\"M" + drawn(to) + " " + drawn(y) + "l" + drawn(back) + " -3.5v7Z\"/>\n";
}

std::string candidate_drawing(const SavingsChart::Candidate& candidate, const SavingsFrame& frame, bool labelled) {
  const auto color = series_color(candidate.color);
  const double x = frame.px(candidate.cost), y = frame.py(candidate.quality);
  std::string svg;
  double middle = x;
  if (candidate.baseline_cost && on_chart(*candidate.baseline_cost, candidate.quality)) {
    const double to = frame.px(*candidate.baseline_cost);
    svg += arrow(x, to, y, color);
    middle = (x + to) / 2;
  }
  const auto place = html_number(candidate.quality) + " at " + html_number(candidate.cost);
  svg += dot(x, y, color, candidate.name + ": " + place + "; " + candidate.label);
  if (labelled) {
    const bool right = middle > SavingsFrame::kTo - 40, left = middle < SavingsFrame::kFrom + 40;
    svg += "<text x=\"" + drawn(middle) + "\" y=\"" + drawn(y - 5) + "\" text-anchor=\"" +
           (right ? "end" : left ? "start" : "middle") + "\">" + escape_html(candidate.label) + "</text>\n";
  }
  return svg;
}

std::string savings_legend(const SavingsChart& chart) {
  const auto entry = [](const std::string& color, const std::string& name) {
    return "<li><svg viewBox=\"0 0 22 8\" aria-hidden=\"true\"><path d=\"M0 4H22\" stroke-width=\"3\" stroke=\"" +
           color + "\"/></svg>" + escape_html(name) + "</li>";
  };
  std::string html = "<ul class=\"legend\">" + entry(curve_color(), chart.curve_name);
  for (const auto& candidate : chart.candidates) {
    html += entry(series_color(candidate.color), candidate.name);
  }
  return html + "</ul>";
}

}  // namespace

std::string savings_chart(const SavingsChart& chart) {
  Extent costs, qualities;
  for (const auto& [cost, quality] : chart.curve) {
    if (on_chart(cost, quality)) {
      costs.add(cost), qualities.add(quality);
    }
  }
  auto candidates = chart.candidates;
  std::erase_if(candidates, [](const auto& c) { return !on_chart(c.cost, c.quality); });
  for (const auto& candidate : candidates) {
    costs.add(candidate.cost), qualities.add(candidate.quality);
  }
  std::string html = "<figure><figcaption>" + escape_html(chart.title);
  if (!chart.note.empty()) {
    html += "<p class=\"note\">" + escape_html(chart.note) + "</p>";
  }
  if (costs.low > costs.high) {
    return html + "</figcaption><p class=\"note\">No finite value yet.</p></figure>\n";
  }
  const SavingsFrame frame{log_axis(costs.low, costs.high), round_axis(qualities.low, qualities.high, 5)};
  html += savings_legend(chart) + "</figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 " +
          drawn(SavingsFrame::kWide) + " " +
          drawn(SavingsFrame::kHigh) + "\" role=\"img\" aria-label=\"" + escape_html(chart.title) + "\">\n" +
          savings_axes(chart, frame) + curve_drawing(chart, frame);
  for (const auto& candidate : candidates) {
    html += candidate_drawing(candidate, frame, candidates.size() <= kMostArrowLabels);
  }
  return html + "</svg></div></figure>\n";
}

}  // namespace moe
