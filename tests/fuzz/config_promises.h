// What every text and every override must keep to, for any config struct.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "configs/config_io.h"
#include "tests/fuzz/fuzz.h"

namespace moe {

// On top of what is printed, its own values as overrides change nothing. All of them in order, since a
// `kind` sets those of its section back, which come after it. The list of named sections is no value:
// an override adds one, or takes it out with none.
template <class Config>
void check_override_promise(Config& config, const std::string& printed) {
  constexpr size_t kMost = 200;  // each goes through the whole file
  const auto leaves = flatten_config(view_of(config));
  std::vector<std::string> overrides;
  for (size_t i = 0; i < std::min(kMost, leaves.size()); ++i) {
    const auto& [key, value] = leaves[i];
    const bool list = i + 1 < leaves.size() && leaves[i + 1].first.rfind(key + ".", 0) == 0;
    if (!list) overrides.push_back(key + "=" + value);
  }
  try {
    auto again = parse_config<Config>(printed, "printed.yaml", overrides);
    require(leaves.size() > kMost || print_config(view_of(again)) == printed,
            "load(print(c), key=value...) == c", printed);
  } catch (const ConfigError& error) {
    require(false, "a printed value is an override", printed + error.what());
  }
}

// Refused by a ConfigError, or taken: then what is printed reads back to the same, and so do
// its values as overrides. Returns whether it was taken.
template <class Config>
bool check_config_promises(const std::string& text, const std::vector<std::string>& overrides) {
  Config config;
  try {
    config = parse_config<Config>(text, "fuzz.yaml", overrides);
  } catch (const ConfigError& error) {
    require_message(error.what());
    require(std::string(error.what()).rfind("fuzz.yaml", 0) == 0 ||
                std::string(error.what()).rfind("override '", 0) == 0,
            "errors begin with their place", error.what());
    return false;
  }
  const std::string printed = print_config(view_of(config));
  try {
    auto again = parse_config<Config>(printed, "printed.yaml");
    require(print_config(view_of(again)) == printed, "load(print(c)) == c", printed);
    require(flatten_config(view_of(again)) == flatten_config(view_of(config)),
            "flatten(load(print(c))) == flatten(c)", printed);
  } catch (const ConfigError& error) {
    require(false, "what is printed loads", printed + error.what());
  }
  check_override_promise(config, printed);
  return true;
}

}  // namespace moe
