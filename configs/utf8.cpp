#include "configs/utf8.h"

namespace moe {
namespace {

constexpr uint32_t kStandIns = 0x10FF00;

unsigned char byte_at(const std::string& text, size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// Code points from U+10000 on take four bytes, and stand-ins are the only ones made here.
void append_stand_in(std::string& out, unsigned char byte) {
  const uint32_t code = kStandIns + byte;
  out += static_cast<char>(0xF0 | (code >> 18));
  out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
  out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

}  // namespace

CodePoint decode_utf8(const std::string& text, size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  uint32_t value = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = byte_at(text, at + i);
    if ((next & 0xC0) != 0x80) return {};
    value = (value << 6) | (next & 0x3F);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return {};
  return {value, length};
}

bool is_stand_in(uint32_t code_point) {
  return code_point >= kStandIns + 0x80 && code_point <= kStandIns + 0xFF;
}

std::string bytes_to_stand_ins(const std::string& bytes) {
  std::string carried;
  for (size_t at = 0; at < bytes.size();) {
    const CodePoint point = decode_utf8(bytes, at);
    if (point.length == 0) {
      append_stand_in(carried, byte_at(bytes, at));
      ++at;
      continue;
    }
    for (size_t i = 0; i < point.length; ++i) {
      if (is_stand_in(point.value)) {
        append_stand_in(carried, byte_at(bytes, at + i));
      } else {
        carried += bytes[at + i];
      }
    }
    at += point.length;
  }
  return carried;
}

std::string stand_ins_to_bytes(const std::string& carried) {
  std::string bytes;
  for (size_t at = 0; at < carried.size();) {
    const CodePoint point = decode_utf8(carried, at);
    if (point.length != 0 && is_stand_in(point.value)) {
      bytes += static_cast<char>(point.value - kStandIns);
      at += point.length;
    } else {
      bytes += carried[at];
      ++at;
    }
  }
  return bytes;
}

std::string visible(const std::string& bytes, size_t longest) {
  std::string line;
  size_t shown = 0;
  for (size_t at = 0; at < bytes.size(); ++shown) {
    if (shown == longest) return line + "...";
    const CodePoint point = decode_utf8(bytes, at);
    const unsigned char byte = byte_at(bytes, at);
    if (byte == '\n') {
      line += "\\n";
    } else if (byte == '\t') {
      line += "\\t";
    } else if (point.length == 0 || point.value < 0x20 ||
               (point.value >= 0x7F && point.value < 0xA0)) {
      constexpr char kHex[] = "0123456789abcdef";
      line += "\\x";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
      ++at;
      continue;
    } else {
      line += bytes.substr(at, point.length);
    }
    at += point.length;
  }
  return line;
}

}  // namespace moe
