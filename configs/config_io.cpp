#include "configs/config_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "configs/config_reader.h"
#include "configs/field_tree.h"
#include "configs/overrides.h"
#include "configs/problems.h"
#include "configs/yaml_tree.h"

namespace moe {
namespace {

// A broken rule stands where its key was given, or else the nearest section around it that was.
Place place_of_key(const Node& root, const std::string& key) {
  const Node* node = &root;
  Place place;
  for (size_t start = 0; start <= key.size();) {
    const size_t end = std::min(key.find('.', start), key.size());
    node = node->find(key.substr(start, end - start));
    if (node == nullptr) break;
    place = node->key_place;
    start = end + 1;
  }
  return place;
}

// At most one byte more than is taken, so that a mistaken data file is not read whole. A FIFO would
// wait for a writer for ever.
std::string read_text(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw ConfigError(path + ": expected a configuration file, found " +
                      (fs::is_directory(status)        ? "a folder"
                       : fs::is_fifo(status)           ? "a FIFO: save the text to a file first"
                       : fs::is_character_file(status) ? "a device"
                                                       : "a socket or a device"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw ConfigError(path + ": cannot read the configuration: " + std::strerror(errno) +
                      "; give the path of a YAML file");
  }
  std::string text(kLongestConfig + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw ConfigError(path + ": cannot read the configuration to its end");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

void read_config(const std::string& text, const std::string& name,
                 const std::vector<std::string>& overrides, const ConfigView& config) {
  const std::vector<FieldInfo> fields = describe_fields(config.fields);
  Problems problems(name, overrides);
  Node root = parse_yaml_file(text, problems);
  if (!overrides.empty()) {
    // What an override replaces is checked as well: a file is right or wrong by itself.
    ConfigReader(fields, ConfigReader::kCheck, problems).read(root, config.fields);
    apply_overrides(overrides, fields, root, problems);
  }
  ConfigReader(fields, ConfigReader::kStore, problems).read(root, config.fields);
  problems.throw_if_any();

  Rules rules;
  config.check(rules);
  for (const Rules::Broken& broken : rules.broken()) {
    problems.add(place_of_key(root, broken.key), broken.key, broken.message);
  }
  problems.throw_if_any();
}

void read_config_file(const std::string& path, const std::vector<std::string>& overrides,
                      const ConfigView& config) {
  read_config(read_text(path), path, overrides, config);
}

}  // namespace moe
