#include "train/report/run_report.h"

#include <algorithm>
#include <cmath>

#include "configs/suggest.h"
#include "train/compare/text.h"
#include "train/gate_notes.h"
#include "train/report/convergence.h"
#include "train/report/figures.h"
#include "train/report/html.h"

namespace moe {
namespace {

std::string gate_text(const ModelConfig& model) {
  if (!model.moe) {
    return "none (dense)";
  }
  std::vector<std::string> kinds;
  for (const auto layer : model.moe->expert_layers(model.layers)) {
    const auto& kind = model.moe->gate_of(layer).kind;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      kinds.push_back(kind);
    }
  }
  return join(kinds) + " over " + std::to_string(model.moe->experts) + " experts";
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) {
    return "n/a";
  }
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  const auto text = [](int64_t value) { return std::to_string(value); };
  return whole < 60     ? text(whole) + " s"
         : whole < 3600 ? text(whole / 60) + " min " + text(whole % 60) + " s"
                        : text(whole / 3600) + " h " + text(whole % 3600 / 60) + " min";
}

// Of training, which has more rows; of validation where there is none yet.
double reached(const RunHistory& history, const std::string& counter) {
  const double train = history.last("train/" + counter), valid = history.last("valid/" + counter);
  return std::fmax(train, valid);  // of NaN and a number, the number
}

Facts facts_of(const RunConfig& config, const RunHistory& history, const Facts& more) {
  const auto& m = config.model;
  const auto count = [&](const char* counter) {
    const double value = reached(history, counter);
    return std::isnan(value) ? std::string("n/a") : short_number(value);
  };
  Facts facts = {
      {"model", std::to_string(m.layers) + " layers of width " + std::to_string(m.d_model)},
      {"gate", gate_text(m)},
      {"seed", std::to_string(config.run.seed)}};
  facts.insert(facts.end(), more.begin(), more.end());
  facts.emplace_back(
      "step", std::to_string(history.last_step()) + " of " + std::to_string(config.train.steps));
  facts.emplace_back("tokens", count("tokens"));
  facts.emplace_back("FLOPs (live slots)", count("flops"));
  facts.emplace_back("training time", duration(reached(history, "seconds")));
  if (history.has("valid/bits_per_byte")) {
    facts.emplace_back("last validation",
                       html_number(history.last("valid/bits_per_byte")) + " bits per byte");
  }
  return facts;
}

std::string loss_chart(const RunHistory& history) {
  // Bits per byte of training need the bytes per token, which validation's two figures of causal text give. Of
  // another objective the losses are their own, and stay in nats.
  const auto& all = history.series();
  const bool causal = std::none_of(all.begin(), all.end(), [](const auto& named) {
    const std::string prefix = "valid/objectives.";
    return named.first.rfind(prefix, 0) == 0 && named.first != prefix + "causal";
  });
  const double per_nat =
      causal ? history.last("valid/bits_per_byte") / history.last("valid/loss") : std::nan("");
  const bool bits = std::isfinite(per_nat) && per_nat > 0;
  auto train = history.points("train/loss");
  for (auto& point : train) {
    for (double* value : {&point.y, &point.low, &point.high}) {
      *value *= bits ? per_nat : 1;
    }
  }
  LineChart chart;
  chart.title = "Loss";
  chart.y_label = bits ? "bits per byte" : "nats per token";
  chart.note = "Cross-entropy; training is one batch a point";
  const bool thin =
      train.size() > kMostChartPoints || (!train.empty() && train[0].low < train[0].high);
  chart.note += thin ? ", or means with the lowest and highest as the band." : ".";
  chart.series = {
      {"training", std::move(train)},
      {"validation", history.points(bits ? "valid/bits_per_byte" : "valid/loss"), true}};
  std::erase_if(chart.series, [](const ChartSeries& s) { return s.points.empty(); });
  return line_chart(chart);
}

// Of training rows, by name without "train/".
std::vector<std::string> train_figures(const RunHistory& history) {
  std::vector<std::string> figures;
  for (const auto& [name, series] : history.series()) {
    if (name.rfind("train/", 0) == 0 && name != "train/loss" && !is_counter(name.substr(6))) {
      figures.push_back(name.substr(6));
    }
  }
  sort_figures(figures);
  return figures;
}

std::vector<std::string> training_charts(const RunHistory& history,
                                         std::vector<std::string>& zero) {
  std::vector<std::string> charts = {loss_chart(history)};
  for (const std::string figure : {"objectives", "sources"}) {
    auto chart = titled_chart(figure);
    const auto prefix = "valid/" + figure + ".";
    for (const auto& [name, series] : history.series()) {
      if (name.rfind(prefix, 0) == 0) {
        chart.series.push_back({name.substr(prefix.size()), series.points(), true});
      }
    }
    if (chart.series.size() > 1) {  // one alone is the loss
      charts.push_back(line_chart(chart));
    }
  }
  for (const auto& figure : train_figures(history)) {
    auto points = history.points("train/" + figure);
    if (all_zero(points)) {
      zero.push_back(figure);
      continue;
    }
    auto chart = titled_chart(figure);
    chart.series = {{"", std::move(points)}};
    charts.push_back(line_chart(chart));
  }
  return charts;
}

// Charts of the layers' figures, and the names of those that have been 0 throughout.
struct LayerCharts {
  std::vector<std::string> convergence, others;
  std::vector<std::string> zero;
};

LayerCharts layer_charts(const RunHistory& history) {
  std::map<std::string, std::vector<ChartSeries>> by_figure;
  std::vector<std::string> order;
  for (const auto& [name, series] : history.series()) {
    const auto slash = name.find("/");
    if (name.rfind("moe.", 0) == 0 && slash != std::string::npos) {
      const auto figure = name.substr(4, slash - 4);
      if (by_figure.count(figure) == 0) {
        order.push_back(figure);
      }
      auto layer = name.substr(slash + 1);
      std::replace(layer.begin(), layer.end(), '_', ' ');
      by_figure[figure].push_back({layer, series.points()});
    }
  }
  sort_figures(order);
  LayerCharts charts;
  for (const auto& figure : order) {
    auto& layers = by_figure[figure];
    if (std::all_of(layers.begin(), layers.end(),
                    [](const ChartSeries& s) { return all_zero(s.points); })) {
      charts.zero.push_back(figure);
    } else {
      auto& section = is_convergence(figure) ? charts.convergence : charts.others;
      section.push_back(line_chart(layers_chart(figure, std::move(layers))));
    }
  }
  return charts;
}

// What deserves a look before any chart.
std::vector<std::string> warnings_of(const RunConfig& config, const RunHistory& history) {
  auto warnings = gate_notes(config.model);
  for (const auto& [name, series] : history.series()) {
    if (series.missing() > 0) {
      warnings.push_back(name + " was not finite in " + std::to_string(series.missing()) + " of " +
                         std::to_string(series.count()) + " rows: gaps in its chart");
    }
  }
  return warnings;
}

}  // namespace

std::vector<std::string> load_maps(const std::map<int64_t, LoadHistory>& loads, size_t most,
                                   const std::string& prefix) {
  constexpr size_t kMostCells = 25000;  // of a page: about 600 KB where no two are alike
  std::vector<const std::pair<const int64_t, LoadHistory>*> layers;
  for (const auto& layer : loads) {
    layers.push_back(&layer);
  }
  const size_t shown = std::min(most, layers.size());
  std::vector<std::string> maps;
  for (size_t i = 0; i < shown; ++i) {
    const auto& [layer, load] = *layers[shown == 1 ? 0 : i * (layers.size() - 1) / (shown - 1)];
    const size_t rows = std::clamp<size_t>(load.experts(), 1, 64);
    auto map = load.map(std::clamp<size_t>(kMostCells / (rows * shown), 16, 100));
    map.title = prefix + "Load, layer " + std::to_string(layer);
    if (shown < layers.size()) {
      map.note = "One of " + std::to_string(layers.size()) + " layers; " + std::to_string(shown) +
                 " are shown.";
    }
    maps.push_back(heat_map(map));
  }
  return maps;
}

std::string routing_sections(const RunHistory& history) {
  std::string body;
  if (!history.loads().empty()) {
    body += "<h2>Load of the experts</h2>\n" + html_grid(load_maps(history.loads(), 24));
  }
  auto charts = layer_charts(history);
  const auto lists = convergence_figures(history, 12);
  charts.convergence.insert(charts.convergence.end(), lists.begin(), lists.end());
  if (!charts.convergence.empty()) {
    body += "<h2>Gate convergence</h2>\n" + html_grid(charts.convergence);
  }
  if (!charts.others.empty() || !charts.zero.empty()) {
    body += "<h2>Routing</h2>\n" + html_grid(charts.others) + zero_sentence(charts.zero);
  }
  return body;
}

std::string run_report(const RunConfig& config, const RunHistory& history, const Facts& more) {
  std::vector<std::string> zero;
  const auto training = training_charts(history, zero);
  const std::string body = html_warnings(warnings_of(config, history)) +
                           html_facts(facts_of(config, history, more)) + "<h2>Training</h2>\n" +
                           html_grid(training) + zero_sentence(zero) + routing_sections(history);
  return html_page(config.run.name.empty() ? "run" : config.run.name, body);
}

}  // namespace moe
