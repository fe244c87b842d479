// What every text and every override must keep to, for any config struct.
#pragma once

#include <string>
#include <vector>

#include "configs/config_io.h"
#include "tests/fuzz/fuzz.h"

namespace moe {

// Refused by a ConfigError, or taken: then what is printed reads back to the same, and so does
// every single value as an override. Returns whether it was taken.
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
  return true;
}

}  // namespace moe
