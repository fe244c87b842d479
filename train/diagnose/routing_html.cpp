#include "train/diagnose/routing_html.h"

#include <algorithm>
#include <cmath>

#include "train/diagnose/routing_text.h"
#include "train/report/heat_map.h"
#include "train/report/html.h"

namespace moe {
namespace {

constexpr size_t kMostMapExperts = 64;  // a cell each way has to stay visible
constexpr size_t kMostMapGroups = 32;
constexpr size_t kMostMapLayers = 8;
constexpr size_t kMostMapCells = 12000;  // some 30 bytes each

// Columns are experts, by number.
HeatMap map_of(const std::string& title, size_t experts) {
  HeatMap map;
  map.title = title;
  map.x_label = "expert";
  for (size_t e = 0; e < experts; ++e) {
    map.x.push_back(static_cast<double>(e));
    map.columns.push_back(std::to_string(e));
  }
  map.x_end = static_cast<double>(experts);
  return map;
}

std::string coactivation_map(const std::string& layer, const RoutingFigures& routing) {
  const auto& share = routing.coactivation;
  auto map = map_of("Experts together, " + layer, share.size());
  map.note = "Share of a column's tokens that the row's expert has too.";
  double sum = 0, pairs = 0;
  for (size_t i = 0; i < share.size(); ++i) {
    map.load.push_back(share[i]);
    map.load[i][i] = NAN;  // an expert is always with itself
    for (size_t j = 0; j < share.size(); ++j) {
      if (i == j || routing.chosen[i] == 0) continue;
      sum += share[i][j];
      pairs += 1;
    }
    if (routing.chosen[i] == 0) map.load[i].assign(share.size(), NAN);
  }
  if (!(sum > 0)) return "";  // one expert a token
  map.values = HeatMap::Values{sum / pairs, "the mean", "of the column's tokens"};
  return heat_map(map);
}

std::string specialisation_map(const std::string& title, const Specialisation& found) {
  const auto lifts = found.lifts();
  std::vector<size_t> shown;
  for (size_t c = 0; c < found.groups.size() && shown.size() < kMostMapGroups; ++c) {
    if (found.tokens[c] >= Specialisation::kFewest) shown.push_back(c);
  }
  if (shown.size() < 2) return "";
  auto map = map_of(title, lifts.front().size());
  map.note = "Share of a row's slots that go to the column's expert, over its share of all slots. Rows "
             "with fewer than 20 tokens are left out.";
  for (const size_t c : shown) map.rows.push_back(found.groups[c]);
  for (size_t e = 0; e < lifts.front().size(); ++e) {
    map.load.emplace_back();
    double of_expert = 0;
    for (const auto& of_group : found.slots) of_expert += of_group[e];
    for (const size_t c : shown) {
      map.load.back().push_back(of_expert < Specialisation::kFewest ? NAN : lifts[c][e]);
    }
  }
  map.values = HeatMap::Values{1, "as in all text", "times its share of all"};
  return heat_map(map);
}

// Maps of some layers, evenly spread, as many as the page has room for.
std::string routing_maps(const std::vector<LayerDiagnosis>& layers) {
  const auto experts = static_cast<size_t>(layers.front().experts);
  if (experts > kMostMapExperts) {
    return "<p>Maps of pairs and of specialists are drawn for up to " +
           std::to_string(kMostMapExperts) + " experts; --json has the numbers.</p>\n";
  }
  const auto& first = *layers.front().routing;
  const size_t cells = experts * (experts + first.by_class.groups.size() +
                                  std::min(kMostMapGroups, first.by_source.groups.size()));
  const size_t shown =
      std::min({layers.size(), kMostMapLayers, std::max<size_t>(1, kMostMapCells / cells)});
  std::vector<std::string> maps;
  for (size_t i = 0; i < shown; ++i) {
    const auto& layer = layers[shown == 1 ? 0 : i * (layers.size() - 1) / (shown - 1)];
    const auto name = "layer " + std::to_string(layer.layer);
    for (auto& map : {coactivation_map(name, *layer.routing),
                      specialisation_map("Kinds of bytes, " + name, layer.routing->by_class),
                      specialisation_map("Sources, " + name, layer.routing->by_source)}) {
      if (!map.empty()) maps.push_back(map);
    }
  }
  const auto note = shown < layers.size() ? "<p>Of " + std::to_string(layers.size()) + " layers " +
                                                std::to_string(shown) + " are shown.</p>\n"
                                          : "";
  return note + html_grid(maps);
}

}  // namespace

std::string routing_blocks(const Diagnosis& diagnosis) {
  std::string html;
  const auto paragraph = [&](const std::string& text) {
    if (!text.empty()) html += "<p>" + escape_html(text) + "</p>\n";
  };
  if (const auto table = routing_table(diagnosis); !table.rows.empty()) {
    html += "<h2>Tokens and experts</h2>\n" + html_table(table);
    paragraph(reference_sentence(diagnosis));
    const auto lines = specialist_lines(diagnosis);
    if (!lines.empty()) html += "<ul>\n";
    for (const auto& line : lines) html += "<li>" + escape_html(line) + "</li>\n";
    if (!lines.empty()) html += "</ul>\n";
    html += routing_maps(diagnosis.layers);
  }
  if (const auto table = rank_table(diagnosis, 0); !table.rows.empty()) {
    html += "<h2>Load of ranks</h2>\n";
    paragraph(rank_sentence(diagnosis));
    html += html_table(table);
  }
  return html;
}

}  // namespace moe
