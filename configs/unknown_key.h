// What a message says about a key that its section does not have.
#pragma once

#include <string>
#include <vector>

#include "configs/field_tree.h"
#include "configs/fields.h"

namespace moe {

// `known` are the keys of the section, `all` the fields of the whole config: a key that is right
// in another section is more often misplaced than made up.
std::string about_unknown_key(const std::string& key, const std::vector<std::string>& known,
                              const std::vector<FieldInfo>& all);

// The same in a section chosen by kind; names the kinds that do have the key.
std::string about_unknown_key_of_kind(const std::string& key, const std::vector<std::string>& known,
                                      const KindList& kinds, const std::string& kind);

}  // namespace moe
