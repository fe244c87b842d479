// Texts and lists in YAML, such that they read back as they were and as texts.
//
// yaml-cpp's emitter writes '5' and "true" so that they come back as a number and a boolean.
#pragma once

#include <string>
#include <vector>

namespace moe {

// Plain where it can be mistaken for nothing else; otherwise in double quotes, on one line.
// Any bytes (configs/utf8.h).
std::string yaml_text(const std::string& text);

// [a, "b c"]
std::string yaml_list(const std::vector<std::string>& texts);

// Items that are YAML already, with commas between them, in the given brackets.
std::string in_brackets(const char* open, const std::vector<std::string>& items, const char* close);

}  // namespace moe
