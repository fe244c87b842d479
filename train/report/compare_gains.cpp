#include "train/report/compare_gains.h"

#include <algorithm>
#include <set>

#include "train/compare/compute_text.h"
#include "train/compare/counters.h"
#include "train/compare/shown.h"
#include "train/compare/statistics.h"
#include "train/report/change_bars.h"
#include "train/report/html.h"
#include "train/report/savings_chart.h"

namespace moe {
namespace {

size_t color_of(const Json& name, const std::vector<std::string>& names) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name.get<std::string>()) - names.begin());
}

std::string arrows_of(const Json& report, const Json& axis, const std::vector<std::string>& names) {
  const auto& savings = report.at("savings");
  SavingsChart chart;
  chart.x_label = axis_label(axis.at("by"));
  chart.title = "Saved at equal " + shown_name(report.at("metric")) + ", by " + chart.x_label;
  chart.note = "An arrow goes from what a variant cost to what the baseline costs at the same quality, first crossing; "
               "nothing is extrapolated.";
  chart.curve_name = savings_curve_text(savings);
  for (const auto& point : axis.at("curve")) {
    chart.curve.emplace_back(point.at("compute"), point.at("quality"));
  }
  for (const auto& v : axis.at("variants")) {
    if (!v.at("compute").is_number() || !v.at("quality").is_number()) {
      continue;
    }
    SavingsChart::Candidate candidate;
    candidate.name = v.at("name");
    candidate.color = color_of(v.at("name"), names);
    candidate.cost = v.at("compute");
    candidate.quality = v.at("quality");
    if (v.at("baseline_compute").is_number()) {
      candidate.baseline_cost = v.at("baseline_compute").get<double>();
    }
    candidate.label = shown_savings(v);
    chart.candidates.push_back(std::move(candidate));
  }
  return savings_chart(chart);
}

std::optional<std::pair<double, double>> interval_of(const Json& test) {
  if (test.is_null() || !test.at("ci").is_array()) {
    return std::nullopt;
  }
  return std::pair<double, double>{test.at("ci")[0], test.at("ci")[1]};
}

// `change` finds {delta, test} in a task, or null.
template <class Change>
std::string changes_of(const Json& transfer, const std::string& task, const std::vector<std::string>& names,
                       const std::string& what, Change change) {
  ChangeBars chart;
  for (const auto& variant : transfer) {
    const auto found = variant.at("tasks").find(task);
    if (found == variant.at("tasks").end()) {
      continue;
    }
    const Json* figures = change(*found);
    if (figures == nullptr || figures->is_null() || !figures->at("delta").is_number()) {
      continue;
    }
    chart.note = found->at("better").get<std::string>() + " is better";
    chart.bars.push_back({variant.at("name"), color_of(variant.at("name"), names), figures->at("delta"),
                          interval_of(figures->at("test"))});
  }
  chart.title = task + what;
  return chart.bars.empty() ? "" : change_bars(chart);
}

template <class Change>
std::string all_changes(const Json& transfer, const std::vector<std::string>& names, const std::string& title,
                        const std::string& what, Change change) {
  std::set<std::string> tasks;
  for (const auto& variant : transfer) {
    for (const auto& [task, figures] : variant.at("tasks").items()) {
      tasks.insert(task);
    }
  }
  std::vector<std::string> charts;
  for (const auto& task : tasks) {
    if (auto chart = changes_of(transfer, task, names, what, change); !chart.empty()) {
      charts.push_back(std::move(chart));
    }
  }
  return charts.empty() ? "" : "<h2>" + title + "</h2>\n" + html_grid(charts);
}

}  // namespace

std::string savings_figures_html(const Json& report, const std::vector<std::string>& names) {
  if (!report.contains("savings")) {
    return "";
  }
  std::vector<std::string> charts;
  for (const auto& axis : report.at("savings").at("axes")) {
    charts.push_back(arrows_of(report, axis, names));
  }
  return "<h2>Saved at equal quality</h2>\n" + html_grid(charts);
}

std::string transfer_figures_html(const Json& report, const std::vector<std::string>& names) {
  if (!report.contains("transfer")) {
    return "";
  }
  const auto& transfer = report.at("transfer");
  return all_changes(transfer, names, "What continuing changed", ", change since before",
                     [](const Json& task) { return &task; }) +
         all_changes(transfer, names, "Against the matched control", ", less the control's",
                     [](const Json& task) { return &task.at("control"); });
}

}  // namespace moe
