// The help on a config: its YAML with every default, beside it what each key takes and means.
#include <algorithm>
#include <map>

#include "configs/config_io.h"
#include "configs/errors.h"
#include "configs/field_tree.h"
#include "configs/suggest.h"

namespace moe {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kCommentColumn = 34;

// `left` and, from the comment column on, `comment` in as many lines as it needs.
std::string line(const std::string& left, const std::string& comment) {
  std::string out = left;
  if (out.size() >= kCommentColumn) out += "\n";
  const std::string margin(kCommentColumn, ' ');
  std::string words = comment;
  bool first = out.back() != '\n';
  while (!words.empty()) {
    out += first ? margin.substr(out.size()) + "# " : margin + "# ";
    const size_t room = kWidth - kCommentColumn - 2;
    size_t end = words.size();
    if (end > room) {
      end = words.rfind(' ', room);
      if (end == std::string::npos) end = words.find(' ');
      if (end == std::string::npos) end = words.size();
    }
    out += words.substr(0, end) + "\n";
    words.erase(0, end < words.size() ? end + 1 : end);
    first = false;
  }
  if (comment.empty()) out += "\n";
  return out;
}

// Where each kind is explained: its name and help -> the key. It has one place, however many keys
// take it: gates are made of gates.
using Explained = std::map<std::string, std::string>;

void help(const FieldInfo& field, const std::string& name, const std::string& path,
          const std::string& indent, Explained& explained, std::string& out) {
  const bool section = field.shape == FieldInfo::kStruct || field.shape == FieldInfo::kChosen;
  const bool named = field.shape == FieldInfo::kNamedStructs;
  std::string left = indent + name + ":";
  if (!section && !named && !field.value.empty()) left += " " + field.value;
  out += line(left, section ? field.help : field.expected + ": " + field.help);

  const std::string deeper = indent + "  ";
  if (field.shape == FieldInfo::kChosen) {
    out += line(deeper + "kind: " + field.value, field.expected);
    std::string elsewhere;
    for (const FieldInfo& kind : field.kinds) {
      const auto [place, first] = explained.emplace(kind.key + ": " + kind.help, path);
      if (!first) {
        elsewhere = place->second;
        continue;
      }
      out += line(deeper + "# kind: " + kind.key, kind.help);
      for (const FieldInfo& each : kind.fields) {
        help(each, each.key, path + "." + each.key, deeper, explained, out);
      }
    }
    if (!elsewhere.empty()) {
      out += line(deeper + "# other kinds", "have the keys they have in " + elsewhere);
    }
    return;
  }
  const auto& below = named ? field.any_name : field.fields;
  for (const FieldInfo& each : below) {
    help(each, each.key, path + "." + each.key, deeper, explained, out);
  }
}

struct Match {
  const FieldInfo* field;
  std::string kind;  // "kind: top_k" where only that kind has the key
};

// The fields below `section` that have this key: one, or one for each kind that has it.
std::vector<Match> matches(const Match& section, const std::string& key) {
  std::vector<Match> found;
  for (const FieldInfo& kind : section.field->kinds) {
    if (const FieldInfo* field = find_field(kind.fields, key)) {
      found.push_back({field, "kind: " + kind.key});
    }
  }
  if (!section.field->kinds.empty()) return found;
  if (!section.field->any_name.empty() && !key.empty()) {
    return {{&section.field->any_name.front(), section.kind}};
  }
  if (const FieldInfo* field = find_field(section.field->fields, key)) {
    found.push_back({field, section.kind});
  }
  return found;
}

std::vector<std::string> keys_below(const FieldInfo& section) {
  std::vector<std::string> keys =
      keys_of(section.any_name.empty() ? section.fields : section.any_name);
  for (const FieldInfo& kind : section.kinds) {
    for (const std::string& key : keys_of(kind.fields)) {
      if (find_field(section.fields, key) == nullptr) keys.push_back(key);
    }
  }
  return keys;
}

}  // namespace

std::string help_config(const ConfigView& config, const std::string& section) {
  FieldInfo root;
  root.fields = describe_fields(config.fields);
  std::string out;
  Explained explained;
  if (section.empty()) {
    for (const FieldInfo& field : root.fields)
      help(field, field.key, field.key, "", explained, out);
    return out;
  }
  std::vector<Match> found = {{&root, ""}};
  for (size_t start = 0; start <= section.size();) {
    const size_t end = std::min(section.find('.', start), section.size());
    const std::string key = section.substr(start, end - start);
    std::vector<Match> next;
    for (const Match& match : found) {
      for (const Match& below : matches(match, key)) next.push_back(below);
    }
    // `gate.kind` is explained by its section.
    const bool kind_itself = key == "kind" && end == section.size() && next.empty() &&
                             found.front().field->shape == FieldInfo::kChosen;
    if (kind_itself) {
      const std::string chosen = section.substr(0, start - 1);
      help(*found.front().field, chosen, chosen, "", explained, out);
      return out;
    }
    if (next.empty()) {
      const std::vector<std::string> keys = keys_below(*found.front().field);
      const std::string where = start == 0 ? "the configuration" : section.substr(0, start - 1);
      const std::string guess = did_you_mean(key, keys);
      const std::string known = keys.empty() ? ": it has none" : ": expected " + join_or(keys);
      throw ConfigError("--help-config " + section + ": no key '" + key + "' in " + where +
                        (guess.empty() ? known : guess));
    }
    found = std::move(next);
    start = end + 1;
  }
  for (const Match& match : found) {
    if (!match.kind.empty()) out += "# " + match.kind + "\n";
    help(*match.field, section, section, "", explained, out);
  }
  return out;
}

}  // namespace moe
