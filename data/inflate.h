// Unpacks a gzip file into a plain one.
#pragma once

#include <string>

#include "data/formats/file.h"

namespace moe {

// Unpacks every member of `file` into `target`, which appears complete or not at all. `name` is
// what messages call the gzip file. Throws RunError.
void inflate_to(const File& file, const std::string& name, const std::string& target);

}  // namespace moe
