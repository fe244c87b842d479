#include "train/report/bar_chart.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "train/report/html.h"

namespace moe {
namespace {

std::string percent(double share) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", 100 * share);
  return text.data();
}

}  // namespace

std::string bar_chart(const BarChart& chart) {
  std::string html = "<figure><figcaption>" + escape_html(chart.title);
  if (!chart.note.empty()) {
    html += "<p class=\"note\">" + escape_html(chart.note) + "</p>";
  }
  html += "</figcaption>";
  double whole = 0;
  for (const auto& [name, amount] : chart.bars) {
    whole += amount;
  }
  if (!(whole > 0) || !std::isfinite(whole)) {
    return html + "<p class=\"note\">Nothing to show yet.</p></figure>\n";
  }
  html += "\n<div class=\"bars\">";
  for (const auto& [name, amount] : chart.bars) {
    const auto share = percent(amount / whole);
    html += "<span>" + escape_html(name) + "</span><div><i style=\"width:" + share +
            "%\"></i></div><span>" + share + " %</span>\n";
  }
  return html + "</div></figure>\n";
}

}  // namespace moe
