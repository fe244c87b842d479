#include "train/report/change_bars.h"

#include <algorithm>
#include <cmath>

#include "train/format.h"
#include "train/report/axis.h"
#include "train/report/html.h"

namespace moe {
namespace {

constexpr double kBarsWidth = 400, kBarsLeft = 12, kBarsRight = 388;
constexpr double kRowHeight = 34, kNameHeight = 14, kBarHeight = 11, kBarsAxis = 22;

// The change as the row's text says it: with a sign, so that no bar's side has to be looked up.
std::string signed_number(double value) { return value == 0 ? "0" : format("%+.3g", value); }

std::string row_text(const ChangeBars::Bar& bar) {
  std::string text = bar.name + " " + (std::isfinite(bar.change) ? signed_number(bar.change) : "n/a");
  if (bar.interval) {
    text += " (" + signed_number(bar.interval->first) + " to " + signed_number(bar.interval->second) + ")";
  }
  return text;
}

std::string bar_row(const ChangeBars::Bar& bar, const Axis& axis, double top) {
  const auto px = [&](double value) { return kBarsLeft + axis.share(value) * (kBarsRight - kBarsLeft); };
  std::string svg = "<text x=\"" + drawn(kBarsLeft) + "\" y=\"" + drawn(top + 11) + "\">" + escape_html(row_text(bar)) +
                    "</text>\n";
  if (!std::isfinite(bar.change)) {
    return svg;
  }
  const double from = std::min(px(0), px(bar.change)), to = std::max(px(0), px(bar.change));
  const double y = top + kNameHeight + 2;
  svg += "<rect fill=\"var(--s" + std::to_string(bar.color % 8) + ")\" x=\"" + drawn(from) + "\" y=\"" + drawn(y) +
         "\" width=\"" + drawn(std::max(to - from, 0.5)) + "\" height=\"" + drawn(kBarHeight) + "\"/>\n";
  if (bar.interval) {
    const auto middle = drawn(y + kBarHeight / 2);
    svg += "<path stroke=\"var(--text)\" d=\"M" + drawn(px(bar.interval->first)) + " " + middle + "H" +
           drawn(px(bar.interval->second)) + "\"/>\n";
  }
  return svg;
}

}  // namespace

std::string change_bars(const ChangeBars& chart) {
  auto bars = chart.bars;
  double low = 0, high = 0;
  bool any = false;
  for (auto& bar : bars) {
    if (bar.interval && !(std::isfinite(bar.interval->first) && std::isfinite(bar.interval->second))) {
      bar.interval.reset();
    }
    if (std::isfinite(bar.change)) {
      any = true;
      low = std::min({low, bar.change, bar.interval ? bar.interval->first : 0});
      high = std::max({high, bar.change, bar.interval ? bar.interval->second : 0});
    }
  }
  std::string html = "<figure><figcaption>" + escape_html(chart.title);
  if (!chart.note.empty()) {
    html += "<p class=\"note\">" + escape_html(chart.note) + "</p>";
  }
  if (!any) {
    return html + "</figcaption><p class=\"note\">No finite value yet.</p></figure>\n";
  }
  const auto axis = round_axis(low, high, 5);
  const double bottom = kRowHeight * static_cast<double>(bars.size());
  html += "</figcaption>\n<div class=\"plot\"><svg viewBox=\"0 0 " + drawn(kBarsWidth) + " " +
          drawn(bottom + kBarsAxis) + "\" role=\"img\" aria-label=\"" + escape_html(chart.title) + "\">\n";
  for (const auto& tick : axis.ticks) {
    const double x = kBarsLeft + axis.share(tick.value) * (kBarsRight - kBarsLeft);
    const bool first = x < kBarsLeft + 12, last = x > kBarsRight - 12;
    html += "<path class=\"axis\"" + std::string(tick.value == 0 ? " style=\"stroke:var(--soft)\"" : "") + " d=\"M" +
            drawn(x) + " 0V" + drawn(bottom) + "\"/><text x=\"" + drawn(x) + "\" y=\"" + drawn(bottom + 15) +
            "\" text-anchor=\"" + (first ? "start" : last ? "end" : "middle") + "\">" + escape_html(tick.label) +
            "</text>\n";
  }
  for (size_t i = 0; i < bars.size(); ++i) {
    html += bar_row(bars[i], axis, kRowHeight * static_cast<double>(i));
  }
  return html + "</svg></div></figure>\n";
}

}  // namespace moe
