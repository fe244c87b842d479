#include "train/compare/transfer_text.h"

#include <algorithm>
#include <map>
#include <set>

#include "train/compare/shown.h"
#include "train/compare/statistics.h"

namespace moe {
namespace {

// "0.0312, 0.1248 (3 seeds)": p and p Holm; of a test that could not be made "n/a".
std::string shown_test(const Json& test) {
  if (test.is_null() || !test.at("p").is_number()) {
    return kNotKnown;
  }
  return shown_p(test.at("p")) + ", " + shown_p(test.at("p_holm")) + " (" + test.at("pairs").dump() + " " +
         test.at("over").get<std::string>() + ")";
}

TitledTable tasks_table(const Json& variant) {
  const bool controlled = variant.at("control").is_string();
  TextTable table{{"task", "better", "before", "after", "change", "p, p Holm"}, {}};
  if (controlled) {
    table.head.insert(table.head.end(), {"control", "less control's", "p, p Holm"});
  }
  for (const auto& [name, task] : variant.at("tasks").items()) {
    auto after = shown_number(task.at("after"));
    if (task.at("sd").is_number()) {
      after += " ± " + shown_number(task.at("sd"), metric_format(task.at("after").is_number()
                                                                     ? task.at("after").get<double>()
                                                                     : 0));
    }
    TextTable::Row row = {shown_name(name), task.at("better"), shown_number(task.at("before")), std::move(after),
                          shown_change(task.at("delta"), task.at("after")), shown_test(task.at("test"))};
    if (const auto& control = task.at("control"); !control.is_null()) {
      row.insert(row.end(), {shown_number(control.at("after")), shown_change(control.at("delta"), task.at("after")),
                             shown_test(control.at("test"))});
    }
    row.resize(table.head.size(), kNotKnown);
    table.rows.push_back(std::move(row));
  }
  return {shown_name(variant.at("name")) + ": tasks before and after; mean ± sd over seeds" +
              (controlled ? "; control: " + shown_name(variant.at("control")) : "") +
              "; two-sided paired t tests; p Holm: p corrected for all variants and tasks (Holm 1979); a test over "
              "items says nothing of other seeds",
          std::move(table)};
}

// Rows are tasks, columns those variants that have a control.
TitledTable gains_table(const Json& transfer) {
  TextTable table{{"task", "better"}, {}};
  std::map<std::string, TextTable::Row> rows;
  for (const auto& variant : transfer) {
    if (variant.at("control").is_null()) {
      continue;
    }
    const size_t column = table.head.size();
    table.head.push_back(shown_name(variant.at("name")));
    for (const auto& [name, task] : variant.at("tasks").items()) {
      const auto& control = task.at("control");
      if (control.is_null()) {
        continue;
      }
      auto& row = rows.try_emplace(name, TextTable::Row{shown_name(name), task.at("better")}).first->second;
      row.resize(column, kNotKnown);
      const auto& test = control.at("test");
      const auto p = test.is_null() ? Json() : test.at("p_holm");
      row.push_back(shown_change(control.at("delta"), control.at("after")) +
                    (p.is_number() && p.get<double>() < 0.05 ? " *" : ""));
    }
  }
  for (auto& [name, row] : rows) {
    row.resize(table.head.size(), kNotKnown);
    table.rows.push_back(std::move(row));
  }
  return {"what the objective gained over its matched control: the variant's value less the control's; * p Holm < 0.05",
          std::move(table)};
}

Json layers_mean(const Json& layers, const char* figure) {
  std::vector<double> values;
  for (const auto& layer : layers) {
    if (layer.at(figure).is_number()) {
      values.push_back(layer.at(figure));
    }
  }
  return values.empty() ? Json() : Json(mean(values));
}

TitledTable load_table(const Json& report) {
  TextTable table{{"variant", "objective", "max_vio before", "max_vio", "moved", "most moved layer", "from causal"},
                  {}};
  for (const auto& variant : report.at("load")) {
    for (const auto& [objective, layers] : variant.at("objectives").items()) {
      Json most;
      double largest = -1;
      for (const auto& layer : layers) {
        if (layer.at("moved").is_number() && layer.at("moved").get<double>() > largest) {
          largest = layer.at("moved");
          most = layer.at("layer");
        }
      }
      table.rows.push_back({shown_name(variant.at("name")), shown_name(objective),
                            shown_number(layers_mean(layers, "max_vio_before"), "%.3f"),
                            shown_number(layers_mean(layers, "max_vio"), "%.3f"),
                            shown_number(layers_mean(layers, "moved"), "%.3f"),
                            most.is_null() ? kNotKnown : most.dump(),
                            shown_number(layers_mean(layers, "from_causal"), "%.3f")});
    }
  }
  return {"load of the experts by objective, means over layers; moved: half the sum of the changes of experts' shares "
          "(0: none, 1: to other experts alone); from causal: the same between this objective and causal, after",
          std::move(table)};
}

}  // namespace

std::vector<TitledTable> transfer_tables(const Json& report) {
  std::vector<TitledTable> tables;
  if (report.contains("transfer")) {
    const auto& transfer = report.at("transfer");
    for (const auto& variant : transfer) {
      tables.push_back(tasks_table(variant));
    }
    if (auto gains = gains_table(transfer); gains.table.head.size() > 2) {
      tables.push_back(std::move(gains));
    }
  }
  if (report.contains("load")) {
    tables.push_back(load_table(report));
  }
  return tables;
}

}  // namespace moe
