#include "train/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <numeric>

#include "train/format.h"
#include "train/gate_level.h"
#include "train/load_bars.h"

namespace moe {
namespace {

constexpr auto kPlainInterval = std::chrono::seconds(5);
constexpr size_t kMostBars = 32;

// Mean over layers of every expert's load relative to the fair share.
std::vector<double> relative_load(const std::map<int64_t, LoadMetrics>& loads) {
  std::vector<double> relative;
  for (const auto& [layer, load] : loads) {
    relative.resize(load.tokens_per_expert.size());
    const double total =
        std::accumulate(load.tokens_per_expert.begin(), load.tokens_per_expert.end(), 0.0);
    for (size_t e = 0; total > 0 && e < relative.size(); ++e) {
      relative[e] += load.tokens_per_expert[e] / total * static_cast<double>(relative.size()) /
                     static_cast<double>(loads.size());
    }
  }
  return relative;
}

}  // namespace

std::string load_text(const std::map<int64_t, LoadMetrics>& loads) {
  const auto bars = load_bars(relative_load(loads), kMostBars);
  double slots = 0;
  for (const auto& [layer, load] : loads) {
    slots += load.slots_per_token / static_cast<double>(loads.size());
  }
  double decided = 0, with_bits = 0;
  for (const auto& [layer, load] : loads) {
    for (const auto& [name, value] : load.gate) {
      if (gate_level(name, "saturated_bits")) {
        decided += value;
        ++with_bits;
      }
    }
  }
  return "load |" + bars + "| " + format("%.2f slots", slots) +
         (with_bits > 0 ? format("  sat %.2f", decided / with_bits) : "");
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, std::round(seconds)));
  if (whole < 60) {
    return format("%llds", whole);
  }
  return whole < 3600 ? format("%lldm%02llds", whole / 60, whole % 60)
                      : format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
}

std::string progress_text(const ProgressView& view) {
  std::string text = format("step %lld/%lld  loss %.3f (%.2f bits)  %.1fk tokens/s  ",
                            static_cast<long long>(view.step), static_cast<long long>(view.steps),
                            view.loss, view.loss / std::numbers::ln2,
                            view.tokens_per_second / 1000);
  if (view.loads && !view.loads->empty()) {
    text += load_text(*view.loads) + "  ";
  }
  text += duration_text(view.seconds_left) + " left  ";
  // Last, because a narrow terminal cuts the line.
  if (std::isfinite(view.mfu)) {
    text += format("MFU %.1f%%", 100 * view.mfu);
  } else if (!std::isfinite(view.tflops)) {
    text += "n/a FLOP/s";
  } else {
    text += view.tflops < 1 ? format("%.3g GFLOP/s", 1000 * view.tflops)
                            : format("%.3g TFLOP/s", view.tflops);
  }
  if (view.peak_memory > 0) {
    text += view.peak_memory < 0x1p30 ? format("  %.0f MiB", view.peak_memory / 0x1p20)
                                      : format("  %.1f GiB", view.peak_memory / 0x1p30);
  }
  return text;
}

ProgressLine::ProgressLine()
    : terminal_(isatty(STDERR_FILENO) != 0), next_plain_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(const ProgressView& view) {
  if (terminal_) {
    // Cleared to the end of the line; a line that wraps would not be redrawn but repeated, so
    // wrapping is off while it is written.
    std::fprintf(stderr, "\r\033[?7l%s\033[K\033[?7h", progress_text(view).c_str());
    std::fflush(stderr);
    drawn_ = true;
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_plain_) {
    next_plain_ = now + kPlainInterval;
    std::fprintf(stderr, "%s\n", progress_text(view).c_str());
  }
}

void ProgressLine::clear() {
  if (drawn_) {
    std::fprintf(stderr, "\r\033[K");
    std::fflush(stderr);
    drawn_ = false;
  }
}

}  // namespace moe
