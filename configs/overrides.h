// `dotted.key=value` from the command line, put into the tree that was read from the file.
#pragma once

#include <string>
#include <vector>

#include "configs/field_tree.h"
#include "configs/problems.h"
#include "configs/yaml_tree.h"

namespace moe {

// Sets each override in turn; a value given before is replaced whole. What is special:
//   a.kind=x      a a section chosen by kind: the section becomes {kind: x}, for the knobs of the
//                 former kind mean nothing to the new one
//   a.b=x         a none, or the short form of a kind: a becomes a mapping first
//   a.name.b=x    a named sections: changes the one of that name, or adds it
// `fields` say which sections are of these sorts. Unknown keys are put in as well: who reads the
// tree reports them. Other failures go to `problems`.
void apply_overrides(const std::vector<std::string>& overrides,
                     const std::vector<FieldInfo>& fields, Node& root, Problems& problems);

}  // namespace moe
