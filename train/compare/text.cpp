#include "train/compare/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "train/compare/compute_text.h"
#include "train/compare/shown.h"
#include "train/compare/transfer_text.h"

namespace moe {
namespace {

std::string with_spread(const Json& value) {
  std::string text = shown_number(value.at("mean"));
  if (value.at("sd").is_number()) {
    text += " ± " + shown_number(value.at("sd"), metric_format(value.at("mean").get<double>()));
  }
  return text;
}

std::string seeds_text(const Json& value) {
  const auto unfinished = value.at("unfinished").get<int64_t>();
  return value.at("n").dump() +
         (unfinished > 0 ? " + " + std::to_string(unfinished) + " unfinished" : "");
}

TextTable quality(const Json& report) {
  TextTable table{{"variant", "seeds", shown_name(report.at("metric")), "difference", "95 % interval",
                   "pairs", "p", "p Holm"},
                  {}};
  for (const auto& v : report.at("variants")) {
    TextTable::Row row = {shown_name(v.at("name")), seeds_text(v.at("value")),
                          with_spread(v.at("value"))};
    const auto& difference = v.at("difference");
    if (difference.is_null()) {
      row.insert(row.end(), {"baseline", "", "", "", ""});
    } else {
      const auto& by = difference.at("mean");
      const auto& value = v.at("value").at("mean");
      row.push_back(shown_change(by, value));
      row.push_back(shown_interval(difference.at("ci"), value));
      row.push_back(difference.at("pairs").dump());
      row.push_back(shown_p(difference.at("p")));
      row.push_back(shown_p(difference.at("p_holm")));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable cost(const Json& report) {
  TextTable table{{"variant", "params", "active", "FLOPs/token", "tokens", "FLOPs",
                   "FLOPs executed", "seconds", "steps/s"},
                  {}};
  for (const auto& v : report.at("variants")) {
    const auto& cost = v.at("cost");
    table.rows.push_back({shown_name(v.at("name")), shown_short(v.at("parameters").at("total")),
                          shown_short(v.at("parameters").at("active")),
                          shown_short(v.at("flops_per_token")), shown_short(cost.at("tokens")),
                          shown_short(cost.at("flops")), shown_short(cost.at("flops_executed")),
                          shown_number(cost.at("seconds"), "%.1f"),
                          shown_number(cost.at("steps_per_second"), "%.2f")});
  }
  return table;
}

TextTable routing(const Json& report) {
  TextTable table{{"variant", "experts", "k", "slots/token", "coincident", "empty tokens",
                   "dropped", "max_vio", "dead experts"},
                  {}};
  for (const auto& v : report.at("variants")) {
    const auto& moe = v.at("moe");
    if (!moe.is_null()) {
      table.rows.push_back({shown_name(v.at("name")), moe.at("experts").dump(), moe.at("k").dump(),
                            shown_number(moe.at("slots_per_token"), "%.3f"),
                            shown_number(moe.at("coincident_selectors"), "%.4f"),
                            shown_number(moe.at("empty_tokens"), "%.4f"),
                            shown_number(moe.at("dropped"), "%.4f"), shown_number(moe.at("max_vio"), "%.3f"),
                            shown_number(moe.at("dead_experts"), "%.2f")});
    }
  }
  return table;
}

TextTable time_table(const Json& over_time) {
  const std::string by = over_time.at("by");
  TextTable table{{by}, {}};
  for (const auto& place : over_time.at("at")) {
    table.head.push_back(by == "step" ? shown_number(place, "%.0f") : shown_short(place));
  }
  for (const auto& variant : over_time.at("variants")) {
    TextTable::Row row = {shown_name(variant.at("name"))};
    for (const auto& value : variant.at("mean")) {
      row.push_back(value.is_null() ? "-" : shown_number(value));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::string short_number(double value) {
  constexpr std::array<const char*, 7> kFactors = {"", " K", " M", " G", " T", " P", " E"};
  size_t factor = 0;
  // From where three digits would round up to 1000.
  for (; std::abs(value) >= 999.5 && factor + 1 < kFactors.size(); ++factor) {
    value /= 1000;
  }
  const bool whole = factor == 0 && value == std::round(value);
  const int digits = whole || std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f%s", digits, value, kFactors[factor]);
  return text.data();
}

std::vector<TitledTable> compare_tables(const Json& report) {
  std::vector<TitledTable> tables = {
      {shown_name(report.at("metric")) +
           " at the end, mean ± sd over finished seeds; difference to " +
           shown_name(report.at("baseline")) +
           ", its 95 % confidence interval, two-sided paired t test over common seeds; p Holm: p "
           "corrected for all variants tested (Holm 1979)",
       quality(report)},
      {"cost; FLOPs/token in training once the gate is sparse, FLOPs from live slots",
       cost(report)}};
  if (auto table = routing(report); !table.rows.empty()) {
    tables.push_back({"routing, mean over layers and the last tenth of the training rows",
                      std::move(table)});
  }
  for (auto more : {compute_tables(report), transfer_tables(report)}) {
    std::move(more.begin(), more.end(), std::back_inserter(tables));
  }
  return tables;
}

std::string compare_text(const Json& report, bool markdown) {
  const auto shown = [&](const TextTable& table) {
    return markdown ? table.markdown() : table.plain();
  };
  if (report.contains("over_time")) {
    return shown_name(report.at("metric")) +
           " over training, mean over seeds where all have a value; unfinished ones count only for a "
           "variant that has no others\n\n" +
           shown(time_table(report.at("over_time")));
  }
  std::string text;
  for (const auto& [title, table] : compare_tables(report)) {
    text += (text.empty() ? "" : "\n") + title + "\n\n" + shown(table);
  }
  return text;
}

}  // namespace moe
