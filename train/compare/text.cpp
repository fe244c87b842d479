#include "train/compare/text.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "configs/utf8.h"
#include "train/text_table.h"

namespace moe {
namespace {

constexpr const char* kNone = "n/a";

// Names hold whatever a config or a command line gave them: a terminal must not obey it, nor a table break.
std::string shown_name(const Json& name) { return visible(name.get<std::string>(), 200); }

std::string formatted(const char* format, double value) {
  if (std::isnan(value)) {
    return "nan";  // printf gives its sign bit too
  }
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// With four decimals where that shows enough of numbers of this size.
const char* metric_format(double size) {
  const double magnitude = std::abs(size);
  return magnitude == 0 || (magnitude >= 1e-2 && magnitude < 1e5) ? "%.4f" : "%.4g";
}

std::string figure(const Json& value, const char* format) {
  return value.is_number() ? formatted(format, value.get<double>()) : kNone;
}

std::string figure(const Json& value) {
  return value.is_number() ? figure(value, metric_format(value.get<double>())) : kNone;
}

std::string short_figure(const Json& value) {
  return value.is_number() ? short_number(value.get<double>()) : kNone;
}

std::string with_spread(const Json& value) {
  std::string text = figure(value.at("mean"));
  if (value.at("sd").is_number()) {
    text += " ± " + figure(value.at("sd"), metric_format(value.at("mean").get<double>()));
  }
  return text;
}

std::string p_value(const Json& p) {
  if (!p.is_number()) {
    return kNone;
  }
  return p.get<double>() < 1e-4 ? "<0.0001" : formatted("%.4f", p.get<double>());
}

// "-0.0512 to -0.0246", with as many digits as the values that differ.
std::string interval(const Json& ci, const Json& value) {
  if (!ci.is_array()) {
    return kNone;
  }
  const char* format = metric_format(value.is_number() ? value.get<double>() : 0);
  const auto end = [&](const Json& x) {
    return (x.is_number() && x.get<double>() > 0 ? "+" : "") + figure(x, format);
  };
  return end(ci[0]) + " to " + end(ci[1]);
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
      row.push_back((by.is_number() && by.get<double>() > 0 ? "+" : "") +
                    figure(by, metric_format(value.is_number() ? value.get<double>() : 0)));
      row.push_back(interval(difference.at("ci"), value));
      row.push_back(difference.at("pairs").dump());
      row.push_back(p_value(difference.at("p")));
      row.push_back(p_value(difference.at("p_holm")));
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
    table.rows.push_back({shown_name(v.at("name")), short_figure(v.at("parameters").at("total")),
                          short_figure(v.at("parameters").at("active")),
                          short_figure(v.at("flops_per_token")), short_figure(cost.at("tokens")),
                          short_figure(cost.at("flops")), short_figure(cost.at("flops_executed")),
                          figure(cost.at("seconds"), "%.1f"),
                          figure(cost.at("steps_per_second"), "%.2f")});
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
                            figure(moe.at("slots_per_token"), "%.3f"),
                            figure(moe.at("coincident_selectors"), "%.4f"),
                            figure(moe.at("empty_tokens"), "%.4f"),
                            figure(moe.at("dropped"), "%.4f"), figure(moe.at("max_vio"), "%.3f"),
                            figure(moe.at("dead_experts"), "%.2f")});
    }
  }
  return table;
}

TextTable time_table(const Json& over_time) {
  const std::string by = over_time.at("by");
  TextTable table{{by}, {}};
  for (const auto& place : over_time.at("at")) {
    table.head.push_back(by == "step" ? figure(place, "%.0f") : short_figure(place));
  }
  for (const auto& variant : over_time.at("variants")) {
    TextTable::Row row = {shown_name(variant.at("name"))};
    for (const auto& value : variant.at("mean")) {
      row.push_back(value.is_null() ? "-" : figure(value));
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
