// Reads and writes any config struct that has fields(Fields&) and check(Rules&) const.
//
//   auto config = load_config<RunConfig>("configs/quickstart.yaml", {"train.steps=100"});
//
// All errors of a file are reported at once, one line each:
//   quickstart.yaml:7:9: model.heads: expected an integer, found 'four'
// and thrown as one ConfigError. load(print(config)) == config, tested for every struct.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "configs/errors.h"
#include "configs/fields.h"

namespace moe {

// What the untemplated core needs of a struct.
struct ConfigView {
  std::function<void(Fields&)> fields;
  std::function<void(Rules&)> check;
};
template <class Config>
ConfigView view_of(Config& config) {
  return {[&config](Fields& f) { config.fields(f); }, [&config](Rules& r) { config.check(r); }};
}

// `overrides` are `dotted.key=value`, value in YAML flow syntax; applied after the file has been
// read on its own, so that places stay true. Their errors say "override 'key=value'".
// Throws ConfigError. `name` is what messages call the text.
void read_config(const std::string& text, const std::string& name,
                 const std::vector<std::string>& overrides, const ConfigView& config);
void read_config_file(const std::string& path, const std::vector<std::string>& overrides,
                      const ConfigView& config);

// Complete YAML, defaults included. Every value reads back to the same value and type.
std::string print_config(const ConfigView& config);

// The keys of a section (all when empty), with type, range, default and meaning.
// An unknown section is a ConfigError with a suggestion.
std::string help_config(const ConfigView& config, const std::string& section);

// All keys as tables in Markdown: docs/config.md.
std::string markdown_config(const ConfigView& config);

// Every leaf in order: full dotted key and its printed value. For run names and for
// telling in which keys two configs differ.
std::vector<std::pair<std::string, std::string>> flatten_config(const ConfigView& config);

template <class Config>
Config load_config(const std::string& path, const std::vector<std::string>& overrides = {}) {
  Config config;
  read_config_file(path, overrides, view_of(config));
  return config;
}
template <class Config>
Config parse_config(const std::string& text, const std::string& name = "config",
                    const std::vector<std::string>& overrides = {}) {
  Config config;
  read_config(text, name, overrides, view_of(config));
  return config;
}

}  // namespace moe
