#include "configs/yaml_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "configs/suggest.h"
#include "configs/utf8.h"

namespace moe {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Words that some reader of YAML, ours or another, takes for something that is not a text.
bool is_reserved(std::string word) {
  static const std::array<const char*, 13> kReserved = {
      "true", "false", "yes", "no", "on", "off", "null", "none", "nan", "inf", "auto", "y", "n"};
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool can_be_plain(const std::string& text) {
  if (text.empty() || is_reserved(text)) return false;
  const bool relative = text.rfind("./", 0) == 0 || text.rfind("../", 0) == 0;
  if (!is_letter(text[0]) && text[0] != '_' && text[0] != '/' && !relative) return false;
  for (const char c : text) {
    const bool safe = is_letter(c) || (c >= '0' && c <= '9') ||
                      std::string("_-./=+*@%~^").find(c) != std::string::npos;
    if (!safe) return false;
  }
  return true;
}

// What a screen or another program may swallow or take for a line's end.
bool is_printable(uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool line_end = code == 0x2028 || code == 0x2029;
  const bool byte_order_mark = code == 0xFEFF;
  const bool no_character = (code & 0xFFFE) == 0xFFFE;
  return !control && !line_end && !byte_order_mark && !no_character && !is_stand_in(code);
}

}  // namespace

std::string yaml_text(const std::string& text) {
  if (can_be_plain(text)) return text;
  const std::string carried = bytes_to_stand_ins(text);
  std::string quoted = "\"";
  for (size_t at = 0; at < carried.size();) {
    const CodePoint point = decode_utf8(carried, at);
    const std::string as_is = carried.substr(at, point.length);
    at += point.length;
    if (as_is == "\"" || as_is == "\\") {
      quoted += "\\" + as_is;
    } else if (as_is == "\n") {
      quoted += "\\n";
    } else if (as_is == "\t") {
      quoted += "\\t";
    } else if (is_printable(point.value)) {
      quoted += as_is;
    } else {
      std::array<char, 16> escape;
      std::snprintf(escape.data(), escape.size(), point.value < 0x100 ? "\\x%02x" : "\\U%08X",
                    static_cast<unsigned>(point.value));
      quoted += escape.data();
    }
  }
  return quoted + "\"";
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) items.push_back(yaml_text(text));
  return in_brackets("[", items, "]");
}

std::string in_brackets(const char* open, const std::vector<std::string>& items,
                        const char* close) {
  std::string text = open;
  text += join(items);
  text += close;
  return text;
}

}  // namespace moe
