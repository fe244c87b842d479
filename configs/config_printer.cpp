// A config as complete YAML, and as a list of leaves.
#include "configs/config_io.h"
#include "configs/field_tree.h"
#include "configs/yaml_text.h"

namespace moe {
namespace {

using Leaves = std::vector<std::pair<std::string, std::string>>;

void print(const std::vector<FieldInfo>& fields, const std::string& indent, std::string& out) {
  for (const FieldInfo& field : fields) {
    out += indent + yaml_text(field.key) + ":";  // a name of the user's may need quotes
    const std::string deeper = indent + "  ";
    if (field.shape == FieldInfo::kNamed && !field.named.empty()) {
      out += "\n";
      for (const auto& [name, list] : field.named) out += deeper + name + ": " + list + "\n";
    } else if (field.shape == FieldInfo::kChosen) {
      out += "\n" + deeper + "kind: " + field.value + "\n";
      print(field.fields, deeper, out);
    } else if (field.shape == FieldInfo::kLeaf || field.shape == FieldInfo::kNamed ||
               !field.present) {
      out += " " + field.value + "\n";
    } else if (field.fields.empty()) {
      out += " {}\n";
    } else {
      out += "\n";
      print(field.fields, deeper, out);
    }
  }
}

void flatten(const std::vector<FieldInfo>& fields, const std::string& path, Leaves& leaves) {
  for (const FieldInfo& field : fields) {
    const std::string full = path + field.key;
    const bool section = field.shape == FieldInfo::kStruct || field.shape == FieldInfo::kChosen ||
                         field.shape == FieldInfo::kOptionalStruct;
    if (!section || !field.present) {
      leaves.emplace_back(full, field.value);
    }
    // Of named sections the names are a leaf too: in another order they are another config.
    const bool deeper = section || field.shape == FieldInfo::kNamedStructs;
    if (!deeper || !field.present) continue;
    if (field.shape == FieldInfo::kChosen) leaves.emplace_back(full + ".kind", field.value);
    flatten(field.fields, full + ".", leaves);
  }
}

}  // namespace

std::string print_config(const ConfigView& config) {
  std::string out;
  print(describe_fields(config.fields), "", out);
  return out;
}

Leaves flatten_config(const ConfigView& config) {
  Leaves leaves;
  flatten(describe_fields(config.fields), "", leaves);
  return leaves;
}

}  // namespace moe
