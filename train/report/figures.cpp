#include "train/report/figures.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "configs/suggest.h"
#include "train/report/html.h"

namespace moe {
namespace {

struct Figure {
  const char* name;
  const char* title;
  const char* unit;
  const char* note;
  bool log_y, from_zero;
};

constexpr std::array<Figure, 22> kFigures = {{
    {"objectives", "Validation by objective", "nats per token", "", false, false},
    {"sources", "Validation by source", "nats per token", "", false, false},
    {"lr", "Learning rate", "", "", false, true},
    {"grad_norm", "Gradient norm", "", "Before clipping; logarithmic.", true, false},
    {"tokens_per_second", "Speed", "tokens/s", "", false, true},
    {"mfu", "Model FLOPs utilisation", "", "Share of the device's peak.", false, true},
    {"tflops", "Arithmetic", "TFLOP/s", "", false, true},
    {"peak_memory", "Peak memory", "bytes", "", false, true},
    {"slots_per_token", "Slots per token", "", "Non-zero weights; the cost of the experts.", false,
     true},
    {"top_weight", "Weight on the top slot", "share",
     "Of a token's weights, mean over the tokens that have a slot.", false, true},
    {"max_vio", "Overload (max_vio)", "", "(most loaded - mean) / mean; 0 is perfect balance.",
     false, true},
    {"load_cv", "Load, coefficient of variation", "", "", false, true},
    {"entropy", "Gate entropy", "nats", "Of the gate's distribution over the experts.", false, true},
    {"dead_experts", "Dead experts", "", "Without a token in the step.", false, true},
    {"dropped", "Dropped slots", "share", "Lost to capacity.", false, true},
    {"empty_tokens", "Empty tokens", "share", "Left without an expert.", false, true},
    {"gate.coincident_selectors", "Coincident selectors", "share",
     "Tokens for which two selectors or more prefer one expert.", false, true},
    {"gate.saturated_bits", "Saturated bits", "share", "1: every selector has settled.", false,
     true},
    {"gate.saturated_bits_by_selector", "Saturated bits by selector", "share",
     "1: that selector has settled for every token.", false, true},
    {"bad_steps.nonfinite", "Steps that were not finite", "", "", false, true},
    {"bad_steps.spikes", "Loss spikes", "", "", false, true},
    {"bad_steps.rollbacks", "Times the run went back", "", "", false, true},
}};

constexpr size_t kMostLines = 4;

const Figure* found(const std::string& figure) {
  return std::find_if(kFigures.begin(), kFigures.end(),
                      [&](const Figure& f) { return figure == f.name; });
}

std::vector<ChartPoint> over_layers(const std::vector<ChartSeries>& layers) {
  size_t count = layers.front().points.size();
  for (const auto& layer : layers) {
    count = std::min(count, layer.points.size());
  }
  std::vector<ChartPoint> all;
  for (size_t i = 0; i < count; ++i) {
    ChartPoint point{layers.front().points[i].x, 0};
    for (const auto& layer : layers) {
      const auto& p = layer.points[i];
      point.y += p.y / static_cast<double>(layers.size());
      point.low = std::fmin(point.low, std::isnan(p.low) ? p.y : p.low);
      point.high = std::fmax(point.high, std::isnan(p.high) ? p.y : p.high);
    }
    all.push_back(point);
  }
  return all;
}

}  // namespace

void sort_figures(std::vector<std::string>& figures) {
  const auto place = [](const std::string& name) {
    return std::min(found(name), found(figure_of(name)));
  };
  std::stable_sort(figures.begin(), figures.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

LineChart titled_chart(const std::string& figure) {
  LineChart chart;
  chart.title = figure;
  if (figure.rfind("aux.", 0) == 0) {
    chart.title = "Auxiliary loss: " + figure.substr(4);
    chart.note = "Before its coefficient, mean over the layers.";
  }
  if (const auto* known = found(figure); known != kFigures.end()) {
    chart.title = known->title;
    chart.y_label = known->unit;
    chart.note = known->note;
    chart.log_y = known->log_y;
    chart.from_zero = known->from_zero;
  }
  return chart;
}

LineChart layers_chart(const std::string& figure, std::vector<ChartSeries> layers) {
  auto chart = titled_chart(figure);
  const auto named = [&](const char* name) {
    return std::find_if(layers.begin(), layers.end(),
                        [&](const ChartSeries& s) { return s.name == name; });
  };
  const bool summed_up = named("mean") != layers.end();
  if (!summed_up && layers.size() <= kMostLines) {
    chart.series = std::move(layers);
    return chart;
  }
  chart.note += std::string(chart.note.empty() ? "" : " ") +
                "Mean over the layers; the band is from the lowest to the highest.";
  if (!summed_up) {
    chart.series = {{"", over_layers(layers)}};
    return chart;
  }
  auto mean = named("mean")->points;
  const auto extremes = over_layers(layers);
  for (size_t i = 0; i < std::min(mean.size(), extremes.size()); ++i) {
    mean[i].low = extremes[i].low;
    mean[i].high = extremes[i].high;
  }
  chart.series = {{"", std::move(mean)}};
  return chart;
}

bool is_counter(const std::string& figure) {
  constexpr std::array<const char*, 7> kCounters = {"tokens",          "target_tokens",  "flops",
                                                    "flops_attention", "flops_executed", "seconds",
                                                    "joules"};
  return std::any_of(kCounters.begin(), kCounters.end(),
                     [&](const char* name) { return figure == name; });
}

std::string figure_of(const std::string& metric) { return metric.substr(metric.find('.') + 1); }

std::string zero_sentence(const std::vector<std::string>& figures) {
  return figures.empty()
             ? ""
             : "<p class=\"note\">0 throughout: " + escape_html(join(figures)) + ".</p>\n";
}

bool all_zero(const std::vector<ChartPoint>& points) {
  return std::all_of(points.begin(), points.end(),
                     [](const ChartPoint& p) { return p.y == 0 && !(p.low < 0) && !(p.high > 0); });
}

}  // namespace moe
