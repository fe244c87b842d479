#include "train/report/compare_report.h"

#include <algorithm>
#include <set>

#include "configs/suggest.h"
#include "train/compare/counters.h"
#include "train/compare/measured_on.h"
#include "train/compare/metric_series.h"
#include "train/compare/text.h"
#include "train/report/compare_gains.h"
#include "train/report/figures.h"
#include "train/report/html.h"
#include "train/report/run_report.h"

namespace moe {
namespace {

constexpr const char* kReading =
    "<p class=\"note\">Lines are means over seeds, bands reach from the lowest to the highest "
    "seed; both are drawn where all seeds have a value. Runs that are not finished are drawn only for "
    "a variant that has no others. Figures of routing are means over layers.</p>\n";

void add_variants(LineChart& chart, const std::vector<Variant>& variants, const std::string& metric,
                  const std::string& x) {
  for (const auto& variant : variants) {
    // A variant without the figure keeps its place, so that its colour is the same in all charts.
    chart.series.push_back({variant.name, over_seeds(variant, metric, x), true});
  }
}

std::string quality_chart(const std::vector<Variant>& variants, const std::string& metric,
                          const std::string& x) {
  LineChart chart;
  chart.x_label = axis_label(x);
  chart.title = metric + " against " + chart.x_label;
  add_variants(chart, variants, metric, x);
  return line_chart(chart);
}

// Curves that fall by two bits hide differences of hundredths.
std::string difference_chart(const std::vector<Variant>& variants, const Variant& baseline,
                             const std::string& metric, const std::string& x) {
  LineChart chart;
  chart.x_label = axis_label(x);
  chart.title = metric + " less " + baseline.name + "'s, against " + chart.x_label;
  chart.note = "Seed by seed, where both have a value.";
  for (const auto& variant : variants) {
    const bool none = &variant == &baseline || !measured_otherwise(variant, baseline, metric).empty();
    chart.series.push_back(
        {variant.name,
         none ? std::vector<ChartPoint>{} : differences_over_seeds(variant, baseline, metric, x),
         true});
  }
  return line_chart(chart);
}

std::set<std::string> names_of(const std::vector<Variant>& variants) {
  std::set<std::string> names;
  for (const auto& variant : variants) {
    for (const auto& run : variant.runs) {
      names.merge(metric_names(run.rows));
    }
  }
  return names;
}

// Figures of training and routing, in the order in which a run's own report shows them.
std::vector<std::string> course_metrics(const std::set<std::string>& names,
                                        const std::string& shown_already) {
  std::vector<std::string> metrics;
  for (const auto& name : names) {
    if (is_train_metric(name) && name != shown_already && name != "train.loss" &&
        !is_counter(figure_of(name))) {
      metrics.push_back(name);
    }
  }
  sort_figures(metrics);
  return metrics;
}

std::string course(const std::vector<Variant>& variants, const std::set<std::string>& names,
                   const std::string& shown_already) {
  std::vector<std::string> charts, zero;
  for (const auto& metric : course_metrics(names, shown_already)) {
    auto chart = titled_chart(figure_of(metric));
    add_variants(chart, variants, metric, "step");
    if (std::all_of(chart.series.begin(), chart.series.end(),
                    [](const ChartSeries& s) { return all_zero(s.points); })) {
      zero.push_back(figure_of(metric));
    } else {
      charts.push_back(line_chart(chart));
    }
  }
  return charts.empty() ? "" : "<h2>Over training</h2>\n" + html_grid(charts) + zero_sentence(zero);
}

// Of each source where there are several: one alone is the loss.
std::string by_source(const std::vector<Variant>& variants, const std::set<std::string>& names) {
  std::vector<std::string> charts;
  for (const auto& name : names) {
    if (name.rfind("sources.", 0) == 0) {
      charts.push_back(quality_chart(variants, name, "tokens"));
    }
  }
  return charts.size() < 2 ? "" : "<h2>Validation by source</h2>\n" + html_grid(charts);
}

std::string loads(const std::vector<Variant>& variants) {
  constexpr size_t kMostMaps = 24;
  std::vector<std::string> maps;
  for (const auto& variant : variants) {
    RunHistory history;
    for (const auto& row : variant.first().rows) {
      history.add(row);
    }
    const size_t most = std::clamp<size_t>(kMostMaps / variants.size(), 1, 4);
    for (auto& map : load_maps(history.loads(), most, variant.first().name + ": ")) {
      maps.push_back(std::move(map));
    }
  }
  return maps.empty()
             ? ""
             : "<h2>Load of the experts, each variant's first seed</h2>\n" + html_grid(maps);
}

bool any_continued(const std::vector<Variant>& variants) {
  return std::any_of(variants.begin(), variants.end(),
                     [](const Variant& variant) { return variant.first().continued(); });
}

// What quality is drawn against: with what the checkpoints had cost where a variant is a continued one.
std::vector<std::string> cost_axes(const Json& report, const std::vector<Variant>& variants) {
  const auto& figures = report.at("variants");
  const bool measured = std::any_of(figures.begin(), figures.end(), [](const Json& variant) {
    return variant.at("cost").at("joules").is_number();
  });
  const auto flops = flops_axis(attention_flops(report.at("flops").at("convention")));
  std::vector<std::string> axes = {"tokens", flops, "seconds"};
  if (measured) {
    axes.push_back("joules");
  }
  for (auto& axis : axes) {
    axis = (any_continued(variants) ? "total_" : "") + axis;
  }
  return axes;
}

}  // namespace

std::string compare_report(const Json& report, const std::vector<Variant>& variants) {
  const std::string metric = report.at("metric");
  std::string body = html_warnings(report.at("warnings"));
  for (const auto& [title, table] : compare_tables(report)) {
    body += "<p class=\"note\">" + escape_html(title) + "</p>\n" + html_table(table);
  }
  std::vector<std::string> charts;
  const auto axes = cost_axes(report, variants);
  for (const auto& axis : axes) {
    charts.push_back(quality_chart(variants, metric, axis));
  }
  const auto baseline = std::find_if(variants.begin(), variants.end(), [&](const Variant& variant) {
    return variant.name == report.at("baseline").get<std::string>();
  });
  // Where runs begin at what others had cost there is hardly a cost that both have been at.
  if (variants.size() > 1 && baseline != variants.end() && !any_continued(variants)) {
    for (const auto& axis : axes) {
      charts.push_back(difference_chart(variants, *baseline, metric, axis));
    }
  }
  if (metric != "train.loss") {
    charts.push_back(quality_chart(variants, "train.loss", "step"));
  }
  const auto names = names_of(variants);
  std::vector<std::string> variant_names;
  for (const auto& variant : variants) {
    variant_names.push_back(variant.name);
  }
  body += "<h2>Quality</h2>\n" + std::string(kReading) + html_grid(charts) +
          savings_figures_html(report, variant_names) + transfer_figures_html(report, variant_names) +
          by_source(variants, names) + course(variants, names, metric) + loads(variants);
  return html_page(metric + " of " + std::to_string(variants.size()) +
                       (variants.size() == 1 ? " variant" : " variants"),
                   body);
}

}  // namespace moe
