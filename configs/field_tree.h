// A config's list of fields as data: what printing, help, overrides and suggestions walk over.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "configs/config_io.h"
#include "configs/fields.h"

namespace moe {

struct FieldInfo {
  enum Shape { kLeaf, kNamed, kStruct, kOptionalStruct, kNamedStructs, kChosen };
  Shape shape = kLeaf;
  std::string key;
  std::string help;
  std::string expected;  // "an integer at least 1"
  // In YAML; of a choice its kind, of an absent optional "none", of named sections "{a, b}".
  std::string value;
  bool present = true;   // false: an optional section that is none; `fields` hold its defaults
  std::vector<std::pair<std::string, std::string>> named;  // of kNamed: name and list, in YAML
  std::vector<FieldInfo> fields;  // of a section; of a choice those of its present config;
                                  // of named sections one kStruct each
  std::vector<FieldInfo> any_name;  // of named sections: one, called <name>, with the defaults
  std::vector<FieldInfo> kinds;   // of a choice: one per kind, in the list's order, with defaults
};

// The fields that `visit` hands out, with the values they hold now.
std::vector<FieldInfo> describe_fields(const std::function<void(Fields&)>& visit);

// The field of that key, in a choice that of the first kind which has it; null when none has.
const FieldInfo* find_field(const std::vector<FieldInfo>& fields, const std::string& key);
const FieldInfo* find_below(const FieldInfo& section, const std::string& key);

// The keys of these fields, in order.
std::vector<std::string> keys_of(const std::vector<FieldInfo>& fields);

// The dotted path of the first field anywhere below that has this key; empty when none has.
std::string path_of_key(const std::vector<FieldInfo>& fields, const std::string& key);

}  // namespace moe
