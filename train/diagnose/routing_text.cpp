#include "train/diagnose/routing_text.h"

#include <algorithm>
#include <cmath>

#include "data/printable.h"
#include "train/diagnose/words.h"
#include "train/load_bars.h"

namespace moe {
namespace {

constexpr size_t kRankBars = 32;
constexpr size_t kWidth = 100;  // of lines in a terminal
constexpr size_t kMostName = 24;    // characters of a source's name
constexpr double kWorthNaming = 1.5;  // lift
constexpr double kWorthPairing = 0.5;  // share of an expert's tokens

struct RoutingColumn {
  const char* head;
  const char* figure;
  const char* format;
};
constexpr RoutingColumn kRoutingColumns[] = {{"margin", "margin", "%.3f"},
                                             {"entropy", "entropy", "%.2f"},
                                             {"of the mean", "marginal_entropy", "%.2f"},
                                             {"information", "mutual_information", "%.3f"},
                                             {"by class", "class_information", "%.3f"},
                                             {"by source", "source_information", "%.3f"},
                                             {"together", "coactivation", "%.2f"},
                                             {"saturation", "saturation", "%.3f"},
                                             {"flips", "flips", "%.3f"}};

std::string shortened(const std::string& name) {
  return name.size() <= kMostName ? printable(name) : printable(name.substr(0, kMostName)) + "...";
}

std::string rounded_percent(double share) { return figure_text("%.0f %%", 100 * share); }

// "digit to expert 3 (x4.1, 83 %)" for the most special groups, as many as fit a line.
std::string specialists_text(const Specialisation& found, size_t width) {
  std::string text;
  for (const auto& [group, expert, lift, share] : found.specialists()) {
    const auto one = (text.empty() ? "" : ", ") + shortened(found.groups[group]) + " to expert " +
                     std::to_string(expert) + " (x" + figure_text("%.1f", lift) + ", " +
                     rounded_percent(share) + ")";
    if (lift < kWorthNaming || (!text.empty() && text_width(text + one) > width)) break;
    text += one;
  }
  return text;
}

bool any_figure(const Diagnosis& diagnosis, const char* figure) {
  const auto& layers = diagnosis.layers;
  return std::any_of(layers.begin(), layers.end(), [&](const auto& layer) {
    return layer_figure(layer, figure).has_value();
  });
}

}  // namespace

TextTable routing_table(const Diagnosis& diagnosis) {
  TextTable table{{"layer"}, {}};
  std::vector<RoutingColumn> columns;
  for (const auto& column : kRoutingColumns) {
    if (any_figure(diagnosis, column.figure)) columns.push_back(column);
  }
  for (const auto& column : columns) table.head.push_back(column.head);
  for (const auto& layer : diagnosis.layers) {
    if (!layer.routing) continue;
    TextTable::Row row = {std::to_string(layer.layer)};
    for (const auto& column : columns) {
      row.push_back(figure_text(column.format, layer_figure(layer, column.figure).value_or(NAN)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<std::string> specialist_lines(const Diagnosis& diagnosis) {
  std::vector<std::string> lines;
  for (const auto& layer : diagnosis.layers) {
    if (!layer.routing) continue;
    const auto name = "layer " + std::to_string(layer.layer) + ": ";
    if (const auto& pair = layer.routing->closest;
        pair.share >= kWorthPairing && layer.k > 1 && layer.k < layer.experts) {
      lines.push_back(name + rounded_percent(pair.share) + " of expert " + std::to_string(pair.first) +
                      "'s tokens go to expert " + std::to_string(pair.second) + " too");
    }
    for (const auto* groups : {&layer.routing->by_class, &layer.routing->by_source}) {
      if (const auto text = specialists_text(*groups, kWidth - name.size()); !text.empty()) lines.push_back(name + text);
    }
  }
  return lines;
}

TextTable rank_table(const Diagnosis& diagnosis, size_t bars) {
  TextTable table{{"layer"}, {}};
  if (bars > 0) table.head.push_back("load of ranks");
  for (const char* head : {"busiest / mean", "worst", "all wait for", "in batches", "idle"}) {
    table.head.push_back(head);
  }
  for (const auto& layer : diagnosis.layers) {
    if (!layer.ranks) continue;
    const auto& ranks = *layer.ranks;
    TextTable::Row row = {std::to_string(layer.layer)};
    if (bars > 0) row.push_back("|" + load_bars(ranks.rows, bars) + "|");
    const auto most = std::max_element(ranks.busiest.begin(), ranks.busiest.end());
    row.push_back(figure_text("%.2f", ranks.wait()));
    row.push_back(figure_text("%.2f", ranks.worst));
    row.push_back("rank " + std::to_string(most - ranks.busiest.begin()));
    row.push_back(figure_text("%.0f", *most) + " of " + figure_text("%.0f", ranks.batches));
    // Of the others' time: the busiest rank is never idle.
    const auto N = static_cast<double>(ranks.rows.size());
    row.push_back(ranks.batches > 0 && N > 1 ? rounded_percent((1 - 1 / ranks.wait()) * N / (N - 1))
                                             : "n/a");
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string reference_sentence(const Diagnosis& diagnosis) {
  if (diagnosis.against.empty() || diagnosis.layers.empty()) return "";
  double chance = 0, layers = 0;
  for (const auto& layer : diagnosis.layers) {
    if (!layer.agreement) continue;
    chance += layer.agreement->chance;
    ++layers;
  }
  return "saturation: share of the choices that are still those of step " +
         std::to_string(diagnosis.against_step) + ", " + figure_text("%.3f", chance / layers) +
         " by chance, in\n" + printable(diagnosis.against);
}

std::string rank_sentence(const Diagnosis& diagnosis) {
  if (diagnosis.layers.empty() || !diagnosis.layers.front().ranks) return "";
  const auto& layer = diagnosis.layers.front();
  const auto ranks = static_cast<int64_t>(layer.ranks->rows.size());
  return "On " + plural(ranks, "rank") + " of " + plural(layer.experts / ranks, "expert") +
         " each, in order; a layer ends with its busiest rank:";
}

std::string routing_text(const Diagnosis& diagnosis) {
  std::string text;
  if (const auto table = routing_table(diagnosis); !table.rows.empty()) {
    text += "\n" + table.plain(kWidth);
    if (const auto sentence = reference_sentence(diagnosis); !sentence.empty()) text += sentence + "\n";
    for (const auto& line : specialist_lines(diagnosis)) text += line + "\n";
  }
  if (const auto table = rank_table(diagnosis, kRankBars); !table.rows.empty()) {
    text += "\n" + rank_sentence(diagnosis) + "\n" + table.plain(kWidth);
  }
  return text;
}

}  // namespace moe
