#include "train/diagnose/convergence_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/printable.h"
#include "train/diagnose/words.h"

namespace moe {
namespace {

constexpr size_t kMostShown = 8;

std::string share_text(double share) { return figure_text("%.3f", share); }

// Of all tokens those with `from` to `until` - 1 live slots.
double share_between(const std::vector<double>& histogram, int64_t from, int64_t until) {
  const auto place = [&](int64_t slots) {
    return histogram.begin() + std::min<int64_t>(slots, static_cast<int64_t>(histogram.size()));
  };
  const double all = std::accumulate(histogram.begin(), histogram.end(), 0.0);
  return all > 0 ? std::accumulate(place(from), place(std::max(from, until)), 0.0) / all : NAN;
}

std::string list_text(const std::vector<double>& values) {
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), kMostShown); ++i) {
    text += (i > 0 ? " " : "") + share_text(values[i]);
  }
  const auto more = values.size() - std::min(values.size(), kMostShown);
  return text + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

}  // namespace

TextTable convergence_table(const Diagnosis& diagnosis) {
  TextTable table{{"layer", "no slot", "below k", "k slots", "above k", "top weight"}, {}};
  std::vector<std::string> names;
  for (const auto& layer : diagnosis.layers) {
    for (const auto& [name, values] : layer.load.gate_lists) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const auto& name : names) table.head.push_back(printable(name));
  bool any = false;
  for (const auto& layer : diagnosis.layers) {
    const auto& histogram = layer.load.slots_histogram;
    any |= !histogram.empty();
    const auto bins = static_cast<int64_t>(histogram.size());
    TextTable::Row row = {std::to_string(layer.layer),
                          share_text(share_between(histogram, 0, 1)),
                          share_text(share_between(histogram, 1, layer.k)),
                          share_text(share_between(histogram, layer.k, layer.k + 1)),
                          share_text(share_between(histogram, layer.k + 1, bins)),
                          share_text(layer.load.top_weight)};
    for (const auto& name : names) {
      const auto found = layer.load.gate_lists.find(name);
      row.push_back(found == layer.load.gate_lists.end() ? "n/a" : list_text(found->second));
    }
    table.rows.push_back(std::move(row));
  }
  if (!any) table.rows.clear();
  return table;
}

}  // namespace moe
