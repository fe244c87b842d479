#include "train/compare/compute_text.h"

#include <map>

#include "configs/suggest.h"
#include "train/compare/compute.h"
#include "train/compare/counters.h"
#include "train/compare/shown.h"

namespace moe {
namespace {

std::string flops_counter(const Json& report) {
  return flops_axis(attention_flops(report.at("flops").at("convention")));
}

std::string shown_seconds(const Json& seconds) { return shown_number(seconds, "%.1f"); }

std::string shown_joules(const Json& joules) {
  return joules.is_number() ? shown_short(joules) : "not measured";
}

TitledTable totals(const Json& report) {
  const auto counter = flops_counter(report);
  TextTable table{{"variant", "tokens", "target tokens", axis_label(counter), "6 N D", "seconds", "joules",
                   "kWh", "kg CO2e", "of it before"},
                  {}};
  for (const auto& v : report.at("variants")) {
    const auto &total = v.at("total"), &before = v.at("began_with");
    std::string share = "-";
    if (!before.is_null()) {
      const auto &all = total.at(counter), &base = before.at(counter);
      const bool known = all.is_number() && base.is_number() && all.get<double>() > 0;
      share = known ? shown_percent(base.get<double>() / all.get<double>()) : kNotKnown;
    }
    table.rows.push_back({shown_name(v.at("name")), shown_short(total.at("tokens")),
                          shown_short(total.at("target_tokens")), shown_short(total.at(counter)),
                          shown_short(total.at("six_n_d")), shown_seconds(total.at("seconds")),
                          shown_joules(total.at("joules")), shown_number(total.at("kwh"), "%.3g"),
                          shown_number(total.at("kg_co2e"), "%.3g"), share});
  }
  return {"what all training cost, with what the checkpoint that a run began with had cost (of it before, in FLOPs); "
          "FLOPs: " +
              report.at("flops").at("formula").get<std::string>() +
              "; 6 N D: of active parameters and tokens; kWh with the building's share (energy.pue)",
          std::move(table)};
}

// "1.21x to 1.84x", or with an end that lies beyond the curve: "1.21x to not reached".
std::string shown_ratio_interval(const Json& row) {
  const auto& ci = row.at("ci");
  if (!ci.is_array()) {
    return row.at("seeds") == 1 ? "one seed" : kNotKnown;
  }
  const auto end = [](const Json& value, const char* open) {
    return value.is_number() ? shown_number(value, "%.3g") + "x" : open;
  };
  // With both ends open they may lie beyond the same end of the curve, or beyond either.
  const double beyond = row.at("draws_not_reached");
  if (ci[0].is_null() && ci[1].is_null() && (beyond >= 0.975 || beyond <= 0.025)) {
    return beyond >= 0.975 ? "not reached" : "before the curve";
  }
  return end(ci[0], "before the curve") + " to " + end(ci[1], "not reached");
}

TitledTable savings_table(const Json& report) {
  const auto &savings = report.at("savings"), &axes = savings.at("axes");
  TextTable table{{"variant", "seeds", shown_name(report.at("metric"))}, {}};
  std::map<std::string, size_t> rows;  // by variant: an axis may not know all
  for (const auto& axis : axes) {
    const auto label = axis_label(axis.at("by"));
    const bool first = &axis == &axes.front();
    const size_t columns = table.head.size();
    if (first) {
      table.head.insert(table.head.end(), {label, "baseline's", "savings", "95 % interval", "saved"});
    } else {
      table.head.push_back("by " + label);
    }
    for (const auto& v : axis.at("variants")) {
      const auto [place, added] = rows.emplace(v.at("name").get<std::string>(), table.rows.size());
      if (added) {
        table.rows.push_back({shown_name(v.at("name")), v.at("seeds").dump(), shown_number(v.at("quality"))});
      }
      auto& row = table.rows[place->second];
      row.resize(columns, kNotKnown);
      if (first) {
        row.insert(row.end(), {shown_short(v.at("compute")), shown_short(v.at("baseline_compute")), shown_savings(v),
                               shown_ratio_interval(v), shown_percent(v.at("saved"))});
      } else {
        row.push_back(shown_savings(v));
      }
    }
  }
  for (auto& row : table.rows) {
    row.resize(table.head.size(), kNotKnown);
  }
  return {"cost to reach equal quality: the baseline's cost at a variant's " + shown_name(report.at("metric")) +
              " over the variant's own, read off " + savings_curve_text(savings) +
              " on the line of log cost against quality, first crossing, nothing extrapolated; interval: percentile "
              "bootstrap over the seeds of a variant with two at least, and of the baseline where it has such",
          std::move(table)};
}

TitledTable overhead_table(const Json& report) {
  TextTable table{{"variant", "own FLOPs", "before", "share", "own tokens", "share", "own seconds", "share",
                   "own joules", "share"},
                  {}};
  for (const auto& v : report.at("overhead")) {
    const auto &flops = v.at("flops"), &tokens = v.at("tokens"), &seconds = v.at("seconds"), &joules = v.at("joules");
    table.rows.push_back({shown_name(v.at("name")), shown_short(flops.at("own")), shown_short(flops.at("before")),
                          shown_percent(flops.at("share")), shown_short(tokens.at("own")),
                          shown_percent(tokens.at("share")), shown_seconds(seconds.at("own")),
                          shown_percent(seconds.at("share")), shown_joules(joules.at("own")),
                          shown_percent(joules.at("share"))});
  }
  return {"what continuing cost beside what it continued", std::move(table)};
}

TitledTable equal_cost_table(const Json& report) {
  TextTable table{{"sparse", "dense", "FLOPs/token", "at", "cost", "sparse's", "dense's", "difference", "pairs", "p"},
                  {}};
  for (const auto& v : report.at("equal_cost")) {
    const auto& per_token = v.at("flops_per_token");
    for (const char* by : {"flops", "seconds"}) {
      const auto& at = v.at(by);
      if (at.is_null()) {
        continue;
      }
      const auto& difference = at.at("difference");
      table.rows.push_back(
          {shown_name(v.at("name")), shown_name(v.at("dense")),
           shown_number(per_token.at("sparse").get<double>() / per_token.at("dense").get<double>(), "%.3fx"),
           std::string("equal ") + (by == std::string("flops") ? "FLOPs" : "time"),
           by == std::string("flops") ? shown_short(at.at("at")) : shown_seconds(at.at("at")),
           shown_number(at.at("sparse")), shown_number(at.at("dense")),
           shown_change(difference.at("mean"), at.at("dense")), difference.at("pairs").dump(),
           shown_p(difference.at("p"))});
    }
  }
  return {shown_name(report.at("metric")) +
              " of sparse and dense twins at the largest total cost that both have been at, on the line between "
              "their points; FLOPs/token: sparse over dense once the gate is sparse",
          std::move(table)};
}

}  // namespace

std::string shown_savings(const Json& saved) {
  return saved.at("ratio").is_number() ? shown_number(saved.at("ratio"), "%.3g") + "x"
                                       : saved.at("reach").get<std::string>();
}

std::string savings_curve_text(const Json& savings) {
  std::vector<std::string> names;
  for (const auto& name : savings.at("curve").at("variants")) {
    names.push_back(shown_name(name));
  }
  return (savings.at("curve").at("from") == "ends" ? "the ends of " : "the validations of ") + join(names);
}

std::vector<TitledTable> compute_tables(const Json& report) {
  std::vector<TitledTable> tables = {totals(report)};
  if (report.contains("savings")) tables.push_back(savings_table(report));
  if (report.contains("overhead")) tables.push_back(overhead_table(report));
  if (report.contains("equal_cost")) tables.push_back(equal_cost_table(report));
  return tables;
}

}  // namespace moe
