#include "data/printable.h"

#include <algorithm>
#include <cstddef>

#include "configs/utf8.h"

namespace moe {
namespace {

std::string escaped_byte(unsigned char byte) {
  const char* digits = "0123456789abcdef";
  return std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
}

bool is_obeyed_by_terminals(uint32_t code_point) {
  if (code_point == '\n' || code_point == '\t') return false;
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

}  // namespace

std::string printable(const std::string& bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint character = decode_utf8(bytes, at);
    const size_t end = at + std::max<size_t>(character.length, 1);
    if (character.length > 0 && !is_obeyed_by_terminals(character.value)) {
      out.append(bytes, at, end - at);
      at = end;
    }
    for (; at < end; ++at) out += escaped_byte(static_cast<unsigned char>(bytes[at]));
  }
  return out;
}

std::string in_quotes(const std::string& text) { return "'" + visible(text, 400) + "'"; }

}  // namespace moe
