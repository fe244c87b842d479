#include "train/report/convergence.h"

#include <algorithm>
#include <array>

#include "train/report/bar_chart.h"
#include "train/report/figures.h"

namespace moe {
namespace {

constexpr size_t kMostSlotBars = 17;  // 0 to 15 slots, and more

std::string slots_bars(int64_t layer, const std::vector<double>& tokens, int64_t step) {
  BarChart chart;
  chart.title = "Slots per token, layer " + std::to_string(layer);
  chart.note = "Share of the tokens with that many live slots, step " + std::to_string(step) + ".";
  for (size_t slots = 0; slots < tokens.size(); ++slots) {
    if (slots + 1 == kMostSlotBars && tokens.size() > kMostSlotBars) {
      chart.bars.emplace_back(std::to_string(slots) + " and more", 0);
    }
    if (slots < kMostSlotBars - 1 || tokens.size() == kMostSlotBars) {
      chart.bars.emplace_back(std::to_string(slots), 0);
    }
    chart.bars.back().second += tokens[slots];
  }
  return bar_chart(chart);
}

std::string list_chart(int64_t layer, const std::string& name, const ListHistory& list) {
  auto chart = titled_chart("gate." + name);
  chart.title += ", layer " + std::to_string(layer);
  if (list.entries.size() < list.length) {
    chart.note += std::string(chart.note.empty() ? "" : " ") + "The first " +
                  std::to_string(list.entries.size()) + " of " + std::to_string(list.length) + ".";
  }
  for (size_t i = 0; i < list.entries.size(); ++i) {
    chart.series.push_back({std::to_string(i), list.entries[i].points()});
  }
  return line_chart(chart);
}

}  // namespace

bool is_convergence(const std::string& figure) {
  constexpr std::array<const char*, 5> kNames = {"slots_per_token", "top_weight", "empty_tokens",
                                                 "gate.saturated_bits", "gate.coincident_selectors"};
  return std::any_of(kNames.begin(), kNames.end(), [&](const char* name) { return figure == name; });
}

std::vector<std::string> convergence_figures(const RunHistory& history, size_t most) {
  std::vector<const std::pair<const int64_t, LayerLists>*> layers;
  for (const auto& layer : history.lists()) {
    layers.push_back(&layer);
  }
  const size_t shown = std::min(most, layers.size());
  std::vector<std::string> figures;
  for (size_t i = 0; i < shown; ++i) {
    const auto& [layer, lists] = *layers[shown == 1 ? 0 : i * (layers.size() - 1) / (shown - 1)];
    for (const auto& [name, list] : lists.gate) {
      figures.push_back(list_chart(layer, name, list));
    }
    if (!lists.slots_histogram.empty()) {
      figures.push_back(slots_bars(layer, lists.slots_histogram, lists.histogram_step));
    }
  }
  return figures;
}

}  // namespace moe
