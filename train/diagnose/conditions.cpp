#include "train/diagnose/conditions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "configs/errors.h"
#include "configs/suggest.h"
#include "data/printable.h"
#include "train/format.h"

namespace moe {
namespace {

constexpr const char* kExample = "; write conditions as in 'dead_experts>0,max_vio>2'";
constexpr const char* kSpaces = " \t\n";

[[noreturn]] void refuse(size_t place, const std::string& expected, const std::string& found) {
  throw ConfigError("--fail-on: character " + std::to_string(place + 1) + ": expected " + expected +
                    ", found " + (found.empty() ? "the end" : in_quotes(found)) + kExample);
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

// Reads one condition between `begin` and `end`, places in `list`.
Condition parse_one(const std::string& list, size_t begin, size_t end) {
  const auto skip_spaces = [&](size_t at) {
    return std::min(end, list.find_first_not_of(kSpaces, at));
  };
  const auto rest = [&](size_t at) { return list.substr(at, end - at); };
  Condition condition;
  size_t at = skip_spaces(begin);
  const size_t name = at;
  while (at < end && is_name(list[at])) ++at;
  condition.figure = list.substr(name, at - name);
  condition.place = name + 1;
  if (condition.figure.empty()) refuse(name, "the name of a figure", rest(name));
  at = skip_spaces(at);
  const size_t comparison = at;
  for (const std::string known : {">=", "<=", "==", "!=", ">", "<"}) {
    if (condition.comparison.empty() && list.compare(at, known.size(), known) == 0) {
      condition.comparison = known;
    }
  }
  if (condition.comparison.empty()) {
    refuse(comparison, "one of > >= < <= == !=", rest(comparison));
  }
  at = skip_spaces(at + condition.comparison.size());
  const size_t last = list.find_last_not_of(kSpaces, end - 1) + 1;
  const char* const stop = list.data() + std::max(at, last);
  const auto read = std::from_chars(list.data() + at, stop, condition.limit);
  if (read.ec != std::errc() || read.ptr != stop || !std::isfinite(condition.limit)) {
    refuse(at, "a number", rest(at));
  }
  condition.text = list.substr(name, last - name);
  return condition;
}

bool holds(double value, const std::string& comparison, double limit) {
  if (std::isnan(value)) return true;
  if (comparison == ">") return value > limit;
  if (comparison == ">=") return value >= limit;
  if (comparison == "<") return value < limit;
  if (comparison == "<=") return value <= limit;
  return (value == limit) == (comparison == "==");
}

// Throws unless some layer has the figure.
void require_known(const Condition& condition, const std::vector<LayerDiagnosis>& layers) {
  std::set<std::string> seen;
  std::vector<std::string> known;
  for (const auto& layer : layers) {
    if (!figures_called(layer, condition.figure).empty()) return;
    for (const auto& [name, value] : layer_figures(layer)) {
      if (seen.insert(name).second) known.push_back(name);
    }
  }
  throw ConfigError("--fail-on: character " + std::to_string(condition.place) +
                    ": expected a figure of these layers, found '" + condition.figure + "'" +
                    did_you_mean(condition.figure, known) + ". There are: " + join(known) +
                    "; routed text (--tokens), --against and --ranks add more");
}

}  // namespace

std::vector<Condition> parse_conditions(const std::string& list) {
  std::vector<Condition> conditions;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.size(), list.find(',', begin));
    conditions.push_back(parse_one(list, begin, end));
    begin = end + 1;
  }
  return conditions;
}

std::vector<Tripped> tripped(const std::vector<Condition>& conditions,
                             const std::vector<LayerDiagnosis>& layers) {
  std::vector<Tripped> found;
  for (const auto& condition : conditions) {
    require_known(condition, layers);
    for (const auto& layer : layers) {
      for (const auto& figure : figures_called(layer, condition.figure)) {
        if (holds(figure.value, condition.comparison, condition.limit)) {
          found.push_back({condition.text, figure.name, layer.layer, figure.value});
        }
      }
    }
  }
  return found;
}

std::string tripped_text(const Tripped& tripped) {
  const char* sign = tripped.value < 0 ? "-" : "";
  return tripped.condition + ": layer " + std::to_string(tripped.layer) + " has " +
         printable(tripped.figure) + format(" %s%.6g", sign, std::abs(tripped.value));
}

}  // namespace moe
