#include "train/diagnose/html.h"

#include "train/diagnose/text.h"
#include "train/report/html.h"

namespace moe {
namespace {

constexpr size_t kColumns = 120;  // of a heat map over time

std::string paragraph(const std::string& text) { return "<p>" + escape_html(text) + "</p>\n"; }

std::string heading(const std::string& text) { return "<h2>" + escape_html(text) + "</h2>\n"; }

// Severity, what was found, and what to do, a row each.
std::string findings_table(const std::vector<Finding>& findings) {
  std::string html;
  for (const auto& finding : findings) {
    html += "<h3>" + escape_html(std::string(severity_name(finding.severity)) + " " + finding.name) +
            "</h3>\n" + paragraph(finding_text(finding) + ". " + finding.means) + "<ul>\n";
    for (const auto& advice : finding.advice) html += "<li>" + escape_html(advice) + "</li>\n";
    html += "</ul>\n";
  }
  return html;
}

std::string load_by_layer(const Diagnosis& diagnosis) {
  HeatMap map;
  map.title = "Load of each expert, by layer";
  map.note = diagnosis.checkpoint.empty() ? "Over the pooled steps." : "Over the routed text.";
  map.x_label = "layer";
  for (const auto& layer : diagnosis.layers) {
    auto load = layer.load.tokens_per_expert;
    load.resize(static_cast<size_t>(layer.experts));  // none was readable: an empty column
    map.x.push_back(static_cast<double>(layer.layer));
    map.load.push_back(std::move(load));
  }
  map.x_end = map.x.back() + 1;
  return heat_map(map);
}

// One line a layer.
std::string chart_over_time(const RunHistory& history, const std::string& title,
                            const std::string& figure) {
  LineChart chart;
  chart.title = title;
  chart.from_zero = true;
  const std::string prefix = "moe." + figure + "/";
  for (const auto& [name, series] : history.series()) {
    if (name.rfind(prefix, 0) == 0) {
      chart.series.push_back({name.substr(prefix.size()), series.points()});
    }
  }
  return line_chart(chart);
}

std::string over_time(const RunHistory& history) {
  std::vector<std::string> figures;
  for (const auto& [layer, load] : history.loads()) {
    auto map = load.map(kColumns);
    map.title = "Load over time, layer " + std::to_string(layer);
    figures.push_back(heat_map(map));
  }
  figures.push_back(chart_over_time(history, "max_vio of single steps", "max_vio"));
  figures.push_back(chart_over_time(history, "Slots per token", "slots_per_token"));
  figures.push_back(chart_over_time(history, "Entropy per token, nats", "entropy"));
  figures.push_back(chart_over_time(history, "Share of choices dropped", "dropped"));
  return heading("Over time") + html_grid(figures);
}

}  // namespace

std::string diagnosis_html(const Diagnosis& diagnosis) {
  std::string body = paragraph(diagnosis_head(diagnosis));
  std::vector<std::string> failed;
  for (const auto& one : diagnosis.failed) failed.push_back("--fail-on " + tripped_text(one));
  body += html_warnings(failed);
  body += heading(verdict(diagnosis)) + findings_table(diagnosis.findings);
  if (!diagnosis.layers.empty()) {
    body += heading("By layer") + html_table(layer_table(diagnosis, 0)) + load_by_layer(diagnosis);
    if (diagnosis.checkpoint.empty()) body += over_time(diagnosis.history);
  }
  return html_page("moe-diagnose " + diagnosis.path, body);
}

}  // namespace moe
