// JSON that somebody else may have written, as a document tree.
//
// The parser's own tree would take any depth (copying or printing it then overflows the stack), any
// number of values, and silently one of two equal keys. So the text is watched while it is parsed.
// What can be very long, a safetensors header, is read as a stream (safetensors_header.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace moe {

using Json = nlohmann::ordered_json;  // keys stay in the order of the text

struct JsonLimits {
  size_t depth = 16;
  size_t values = size_t{1} << 20;  // of all kinds, at all depths
  size_t members = 10'000;          // of one object: looking a key up takes time in proportion
};

// One object. Throws RunError, "NAME: expected ..., found ...", for what is none, for a key given
// twice, and beyond the limits.
Json parse_json_object(std::string_view text, const std::string& name, const JsonLimits& limits = {});

// The object that is the whole of a file of at most `longest` bytes. Throws RunError naming it.
Json read_json_object(const std::string& path, uint64_t longest, const JsonLimits& limits = {});

// A whole number of at least 0 that fits int64. Throws RunError, "NAME: KEY: expected ...".
int64_t count_at(const Json& object, const std::string& key, const std::string& name);
// A finite number. Throws RunError.
double number_at(const Json& object, const std::string& key, const std::string& name);
// Throws RunError.
std::string text_at(const Json& object, const std::string& key, const std::string& name);

}  // namespace moe
