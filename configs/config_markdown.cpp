// The reference of all keys, docs/config.md: one heading a section, one row a key.
#include <map>

#include "configs/config_io.h"
#include "configs/field_tree.h"

namespace moe {
namespace {

// Text inside a table's cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

// Where each kind is explained: its name and help -> the key. It has one place, however many keys take it.
using Explained = std::map<std::string, std::string>;

void section(const std::vector<FieldInfo>& fields, const std::string& path,
             const std::string& help, Explained& explained, std::string& out);

// A heading of its own for what has keys below it.
void below(const FieldInfo& field, const std::string& path, Explained& explained,
           std::string& out) {
  switch (field.shape) {
    case FieldInfo::kChosen: {
      std::string elsewhere;
      for (const auto& kind : field.kinds) {
        const auto [place, first] = explained.emplace(kind.key + ": " + kind.help, path);
        if (first) {
          out += "\n### `" + path + ".kind: " + kind.key + "`\n";
          section(kind.fields, path, kind.help, explained, out);
        } else {
          elsewhere = place->second;
        }
      }
      if (!elsewhere.empty()) {
        out += "\nThe other kinds of `" + path + "` have the keys they have in `" + elsewhere + "`.\n";
      }
      break;
    }
    case FieldInfo::kNamedStructs:
      out += "\n### `" + path + ".<name>`\n";
      section(field.any_name.front().fields, path + ".<name>", field.help, explained, out);
      break;
    case FieldInfo::kStruct:
    case FieldInfo::kOptionalStruct:
      out += "\n## `" + path + "`\n";
      section(field.fields, path, field.help, explained, out);
      break;
    case FieldInfo::kLeaf:
    case FieldInfo::kNamed: break;
  }
}

void section(const std::vector<FieldInfo>& fields, const std::string& path,
             const std::string& help, Explained& explained, std::string& out) {
  out += "\n" + help + "\n";
  if (!fields.empty()) {
    out += "\n| key | takes | default | meaning |\n|---|---|---|---|\n";
  }
  for (const auto& field : fields) {
    const bool chosen = field.shape == FieldInfo::kChosen;
    out += "| " + code(path + "." + field.key + (chosen ? ".kind" : "")) + " | " +
           cell(field.expected) + " | " + code(cell(field.value)) + " | " + cell(field.help) + " |\n";
  }
  for (const auto& field : fields) below(field, path + "." + field.key, explained, out);
}

}  // namespace

std::string markdown_config(const ConfigView& config) {
  std::string out;
  Explained explained;
  for (const auto& field : describe_fields(config.fields)) {
    below(field, field.key, explained, out);
  }
  return out;
}

}  // namespace moe
