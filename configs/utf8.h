// Text that may hold any bytes, carried through YAML, which can hold UTF-8 only.
//
// File names are bytes. A byte that is not UTF-8 travels as a stand-in, the private code point
// U+10FF00 + byte; a genuine character of that range travels as the stand-ins of its four bytes.
// So every string has exactly one carried form, and comes back as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace moe {

struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;  // bytes; 0 when the bytes at that place are not UTF-8
};

// The code point that starts at text[at]; `at` lies inside the text.
CodePoint decode_utf8(const std::string& text, size_t at);

bool is_stand_in(uint32_t code_point);

std::string bytes_to_stand_ins(const std::string& bytes);
std::string stand_ins_to_bytes(const std::string& carried);

// For one line of a message: control characters and bytes that are not UTF-8 as \n or \x07, and
// at most `longest` characters, the rest as "...".
std::string visible(const std::string& bytes, size_t longest = 60);

}  // namespace moe
