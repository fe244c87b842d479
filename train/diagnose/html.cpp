#include "train/diagnose/html.h"

#include <algorithm>
#include <sstream>

#include "train/diagnose/convergence_table.h"
#include "train/diagnose/routing_html.h"
#include "train/diagnose/text.h"
#include "train/report/html.h"
#include "train/report/run_report.h"

namespace moe {
namespace {

constexpr size_t kMostColumns = 100;  // layers of the heat map

std::string paragraph(const std::string& text) { return "<p>" + escape_html(text) + "</p>\n"; }

std::string heading(const std::string& text) { return "<h2>" + escape_html(text) + "</h2>\n"; }

std::string list_of(const std::vector<std::string>& items) {
  std::string html = "<ul>\n";
  for (const auto& item : items) html += "<li>" + escape_html(item) + "</li>\n";
  return html + "</ul>\n";
}

std::string head_paragraphs(const Diagnosis& diagnosis) {
  std::string html;
  std::istringstream lines(diagnosis_head(diagnosis));
  for (std::string line; std::getline(lines, line);) html += paragraph(line);
  return html;
}

std::string findings_blocks(const std::vector<Finding>& findings) {
  std::string html;
  for (const auto& group : findings_by_name(findings)) {
    html += "<h3>" + escape_html(group.title) + "</h3>\n" + list_of(group.found) +
            paragraph(group.means);
    if (!group.advice.empty()) html += paragraph("To try:") + list_of(group.advice);
  }
  return html;
}

std::string load_by_layer(const Diagnosis& diagnosis) {
  HeatMap map;
  map.title = "Load of each expert, by layer";
  map.note = diagnosis.checkpoint.empty() ? "Over the pooled steps." : "Over the routed text.";
  map.x_label = "layer";
  const size_t layers = diagnosis.layers.size(), shown = std::min(kMostColumns, layers);
  if (shown < layers) {
    map.note += " " + std::to_string(shown) + " of " + std::to_string(layers) + " layers.";
  }
  for (size_t i = 0; i < shown; ++i) {
    const auto& layer = diagnosis.layers[shown == 1 ? 0 : i * (layers - 1) / (shown - 1)];
    auto load = layer.load.tokens_per_expert;
    load.resize(static_cast<size_t>(layer.experts));  // none was readable: an empty column
    map.x.push_back(static_cast<double>(i));
    map.columns.push_back(std::to_string(layer.layer));
    map.load.push_back(std::move(load));
  }
  map.x_end = static_cast<double>(shown);
  return heat_map(map);
}

}  // namespace

std::string diagnosis_html(const Diagnosis& diagnosis) {
  std::string body = head_paragraphs(diagnosis);
  std::vector<std::string> failed;
  for (const auto& one : diagnosis.failed) failed.push_back("--fail-on " + tripped_text(one));
  body += html_warnings(failed);
  body += heading(verdict(diagnosis)) + findings_blocks(diagnosis.findings);
  if (!diagnosis.layers.empty()) {
    body += heading("By layer") + html_table(layer_table(diagnosis, 0));
    if (const auto table = convergence_table(diagnosis); !table.rows.empty()) {
      body += paragraph("Share of the tokens by live slots, and weight on the top one:") +
              html_table(table);
    }
    body +=
            html_grid({load_by_layer(diagnosis)}) + routing_blocks(diagnosis) +
            routing_sections(diagnosis.history);
  }
  return html_page("moe-diagnose " + diagnosis.path, body);
}

}  // namespace moe
