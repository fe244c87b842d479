#include "train/parameter_groups.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "configs/errors.h"
#include "configs/suggest.h"

namespace moe {
namespace {

bool fits(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

bool is_number(const std::string& part) {
  return part.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream text(name);
  for (std::string part; std::getline(text, part, '.');) {
    parts.push_back(part);
  }
  return parts;
}

// The words that names are made of, layer numbers left out, in the order they come in.
std::vector<std::string> words_of(const std::vector<std::string>& names) {
  std::vector<std::string> words;
  std::set<std::string> seen;
  for (const auto& name : names) {
    for (const auto& part : parts_of(name)) {
      if (!is_number(part) && seen.insert(part).second) {
        words.push_back(part);
      }
    }
  }
  return words;
}

[[noreturn]] void refuse(const std::string& key, const std::string& pattern,
                         const std::vector<std::string>& names) {
  const auto words = words_of(names);
  std::string suggestion;
  for (const auto& part : parts_of(pattern)) {
    if (suggestion.empty() && part.find('*') == std::string::npos && !is_number(part) &&
        std::find(words.begin(), words.end(), part) == words.end()) {
      suggestion = did_you_mean(part, words);
    }
  }
  throw ConfigError(key + ": expected a pattern that fits a parameter's name, found '" + pattern +
                    "'" + suggestion + "; names are made of " + join(words) +
                    ", as in " + names[names.size() / 2]);
}

}  // namespace

std::vector<ParameterRule> parameter_rules(const OptimizerConfig& config,
                                           const std::vector<std::string>& names) {
  std::vector<ParameterRule> rules(names.size(), {1, config.weight_decay, false});
  std::vector<bool> taken(names.size(), false);
  for (const auto& [group_name, group] : config.groups) {
    const auto key = "optimizer.groups." + group_name;
    const bool built_in = group.match.empty();  // the config's own check has seen to its name
    const auto patterns =
        built_in ? std::vector<std::string>{"*." + group_name + ".*"} : group.match;
    bool any = built_in;
    for (const auto& pattern : patterns) {
      bool fits_any = built_in;
      for (size_t i = 0; i < names.size(); ++i) {
        if (!fits(pattern, names[i])) {
          continue;
        }
        fits_any = true;
        if (!taken[i]) {
          any = taken[i] = true;
          rules[i] = {group.lr, group.weight_decay * config.weight_decay, group.freeze};
        }
      }
      if (!fits_any) {
        refuse(key + ".match", pattern, names);
      }
    }
    if (!any) {
      throw ConfigError(key + ": the groups before it take all parameters that it fits, so it would do "
                              "nothing: put it before them, or narrow their patterns");
    }
  }
  if (std::all_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.freeze; })) {
    throw ConfigError("optimizer.groups: all parameters are frozen, so there is nothing to train: "
                      "take `freeze` from one of them");
  }
  return rules;
}

}  // namespace moe
