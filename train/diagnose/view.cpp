#include "train/diagnose/view.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "data/printable.h"
#include "train/diagnose/rows.h"
#include "train/diagnose/text.h"
#include "train/format.h"
#include "train/load_bars.h"
#include "train/progress_line.h"

namespace moe {
namespace {

constexpr size_t kMostLosses = 1000;

std::string number(const char* pattern, double value) {
  if (!std::isfinite(value)) return "n/a";
  return format(std::abs(value) < 1e9 ? pattern : "%.3g", value);
}

// At most `width` characters; control characters are none of a terminal's business here.
std::string fitted(const std::string& text, size_t width) {
  std::string one_line = printable(text);
  std::replace_if(one_line.begin(), one_line.end(), [](char c) { return c == '\n' || c == '\t'; },
                  ' ');
  size_t bytes = 0, characters = 0;
  for (; bytes < one_line.size(); ++bytes) {
    if ((one_line[bytes] & 0xC0) != 0x80 && characters++ == width) break;
  }
  return one_line.substr(0, bytes);
}

double seconds_left(const WatchState& state) {
  const auto& last = state.rows.back();
  const auto& first = state.rows.front();
  const double steps = static_cast<double>(state.last_step() - first.at("step").get<int64_t>());
  const double left = static_cast<double>(state.config.train.steps - state.last_step());
  return (number_in(last, "seconds") - number_in(first, "seconds")) / steps * left;
}

std::vector<std::string> head_lines(const WatchState& state, size_t width) {
  const auto& row = state.rows.back();
  const double loss = number_in(row, "loss"), left = seconds_left(state);
  const auto steps = static_cast<double>(std::max<int64_t>(1, state.config.train.steps));
  std::vector<std::string> lines = {
      format("step %lld/%lld  %.0f %%  ", static_cast<long long>(state.last_step()),
             static_cast<long long>(state.config.train.steps),
             100 * static_cast<double>(state.last_step()) / steps) +
      (std::isfinite(left) && left > 0 ? duration_text(std::min(left, 1e9)) + " left" : "")};
  lines.push_back("loss " + number("%.4f", loss) + " (" +
                  number("%.3f", loss / std::numbers::ln2) + " bits)  lr " +
                  number("%.3g", number_in(row, "lr")) + "  grad norm " +
                  number("%.3g", number_in(row, "grad_norm")) + "  " +
                  number("%.0f", number_in(row, "tokens_per_second")) + " tokens/s");
  if (state.valid.is_object()) {
    lines.back() += "  valid " + number("%.4f", number_in(state.valid, "loss"));
  }
  lines.push_back(sparkline(state.losses, width));
  return lines;
}

struct ScreenColumn {
  const char* head;
  const char* figure;
  const char* format;
  size_t width;
};
constexpr ScreenColumn kScreenColumns[] = {
    {"slots", "slots_per_token", "%.2f", 7},
    {"sat", "gate.saturated_bits", "%.2f", 6},
    {"top w", "top_weight", "%.2f", 7},
    {"max_vio", "max_vio", "%.2f", 9},
    {"dead", "dead_experts", "%.0f", 6},
    {"empty", "empty_tokens", "%.3f", 7},
    {"dropped", "dropped", "%.3f", 9},
    {"entropy", "entropy", "%.2f", 9},
};
constexpr size_t kLayerWidth = 5, kBarsWanted = 16, kMostBars = 64;

// The mean over the layer's gates that have this figure: over both levels of a hierarchical one.
std::optional<double> column_value(const LayerDiagnosis& layer, const char* figure) {
  const auto found = figures_called(layer, figure);
  if (found.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& each : found) sum += each.value;
  return sum / static_cast<double>(found.size());
}

std::string to_right(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

// As many figures as leave room for bars; those take the rest.
std::vector<std::string> table_lines(const Diagnosis& diagnosis, size_t width) {
  constexpr size_t kFrame = 4;  // two spaces and the marks around the bars
  const auto known = [&](const ScreenColumn& column) {
    return std::any_of(diagnosis.layers.begin(), diagnosis.layers.end(), [&](const auto& layer) {
      return column_value(layer, column.figure).has_value();
    });
  };
  size_t used = kLayerWidth + kFrame;
  std::vector<ScreenColumn> columns;
  for (const auto& column : kScreenColumns) {
    if (!known(column)) continue;  // a gate's own, of another gate
    if (used + column.width + kBarsWanted > width) break;
    used += column.width;
    columns.push_back(column);
  }
  const size_t bars = std::clamp<size_t>(width - std::min(width, used), 1, kMostBars);
  std::vector<std::string> lines = {to_right("layer", kLayerWidth)};
  for (const auto& column : columns) lines[0] += to_right(column.head, column.width);
  lines[0] += "  load";
  for (const auto& layer : diagnosis.layers) {
    auto line = to_right(std::to_string(layer.layer), kLayerWidth);
    for (const auto& column : columns) {
      const double value = column_value(layer, column.figure).value_or(NAN);
      line += to_right(number(column.format, value), column.width);
    }
    lines.push_back(line + "  |" + load_bars(layer.load.tokens_per_expert, bars) + "|");
  }
  return lines;
}

// Findings of faults and warnings, a line each.
std::vector<ViewLine> finding_lines(const Diagnosis& diagnosis, size_t width) {
  std::vector<ViewLine> lines = {{fitted(verdict(diagnosis), width), ViewStyle::kPlain}};
  for (const auto& finding : diagnosis.findings) {
    if (finding.severity == Severity::kNote) continue;
    const auto style =
        finding.severity == Severity::kFault ? ViewStyle::kFault : ViewStyle::kWarning;
    lines.push_back({fitted(finding.name + ": " + finding_text(finding), width), style});
  }
  return lines;
}

std::string quiet_text(const WatchState& state) {
  std::string text;
  if (state.seconds_quiet >= 10 && !state.finished()) {
    text += "  no new row for " + duration_text(state.seconds_quiet);
  }
  if (state.skipped > 0) text += "  " + std::to_string(state.skipped) + " lines are no rows";
  return text;
}

// `lines` cut to `most`, the last one saying how many are missing.
template <class Line>
void cut(std::vector<Line>& lines, size_t most, const std::string& what, size_t width) {
  if (lines.size() <= most) return;
  const auto missing = lines.size() - most + 1;
  lines.resize(most);
  if (most > 0) lines.back() = Line{fitted("  and " + std::to_string(missing) + what, width)};
}

}  // namespace

void WatchState::add(const Json& row) {
  if (row.at("split") == "valid") valid = row;
  if (row.at("split") != "train") return;
  rows.push_back(row);
  if (rows.size() > kPooledRows) rows.erase(rows.begin());
  losses.push_back(number_in(row, "loss"));
  if (losses.size() > kMostLosses) losses.erase(losses.begin());
}

void WatchState::forget_rows() {
  rows.clear();
  losses.clear();
  valid = nullptr;
}

int64_t WatchState::last_step() const {
  const int64_t trained = rows.empty() ? 0 : rows.back().at("step").get<int64_t>();
  return valid.is_object() ? std::max(trained, valid.at("step").get<int64_t>()) : trained;
}

bool WatchState::finished() const { return has_config && last_step() >= config.train.steps; }

std::vector<ViewLine> watch_view(const WatchState& state, size_t width, size_t height) {
  std::vector<ViewLine> view = {
      {fitted("moe-diagnose " + state.folder + "  (q ends)" + quiet_text(state), width),
       ViewStyle::kTitle}};
  const auto add = [&](const std::string& text) { view.push_back({fitted(text, width)}); };
  if (!state.has_config || state.rows.empty()) {
    add(state.has_config ? "waiting for the run's first logged step"
                         : "waiting for a run to begin here: no config.yaml yet");
  } else {
    for (const auto& line : head_lines(state, width)) add(line);
    const auto diagnosis = diagnose_rows(state.folder, state.config, state.rows);
    auto findings = finding_lines(diagnosis, width);
    // Findings may take a third of the height, more where the table needs less.
    auto table = diagnosis.layers.empty() ? std::vector<std::string>{}
                                          : table_lines(diagnosis, width);
    const size_t left = height - std::min(height, view.size());
    const size_t beside_table = left - std::min(left, table.size());
    const size_t for_findings = std::min(findings.size(), std::max(left / 3, beside_table));
    cut(table, left - std::min(left, for_findings), " layers", width);
    cut(findings, left - std::min(left, table.size()), " findings", width);
    for (const auto& line : table) add(line);
    view.insert(view.end(), findings.begin(), findings.end());
  }
  view.resize(std::min(view.size(), height));
  return view;
}

std::string watch_line(const WatchState& state, const Json& row) {
  const auto step = static_cast<long long>(row.at("step").get<int64_t>());
  if (row.at("split") != "train") {
    return format("step %lld: ", step) + printable(row.at("split").get<std::string>()) + " loss " +
           number("%.4f", number_in(row, "loss"));
  }
  const auto diagnosis = diagnose_rows(state.folder, state.config, {row});
  ProgressView view;
  view.step = step;
  view.steps = state.config.train.steps;
  view.loss = number_in(row, "loss");
  view.tokens_per_second = number_in(row, "tokens_per_second");
  view.tflops = number_in(row, "tflops");
  view.mfu = number_in(row, "mfu");
  view.seconds_left = std::clamp(state.rows.empty() ? 0 : seconds_left(state), 0.0, 1e9);
  std::map<int64_t, LoadMetrics> loads;
  for (const auto& layer : diagnosis.layers) loads[layer.layer] = layer.load;
  view.loads = &loads;
  auto text = progress_text(view);
  for (const auto& finding : diagnosis.findings) {
    if (finding.severity == Severity::kFault) text += "  " + finding.name;
  }
  return text;
}

}  // namespace moe
