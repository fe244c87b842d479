#include "configs/yaml_source.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "configs/utf8.h"
#include "configs/yaml_tree.h"

namespace moe {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

YamlSource::YamlSource(std::string text, int file) : text_(std::move(text)), file_(file) {
  if (text_.rfind("\xEF\xBB\xBF", 0) == 0) text_.erase(0, 3);
  line_starts_.push_back(0);
  columns_.reserve(text_.size() + 1);
  uint32_t column = 1;
  for (size_t i = 0; i < text_.size(); ++i) {
    columns_.push_back(column);
    const bool last_byte = i + 1 == text_.size() || !continues(text_[i + 1]);
    if (last_byte) ++column;
    if (text_[i] == '\n') {
      line_starts_.push_back(i + 1);
      column = 1;
    }
  }
  columns_.push_back(column);
}

bool YamlSource::accepted(const std::string& key, Problems& problems) const {
  if (text_.size() > kLongestConfig) {
    problems.add({file_, 0, 0}, key,
                 "expected at most " + std::to_string(kLongestConfig) +
                     " bytes of configuration, found more: is this the right file?");
    return false;
  }
  bool indentation = true;
  bool tabs = false;
  for (size_t i = 0; i < text_.size();) {
    const CodePoint point = decode_utf8(text_, i);
    if (point.length == 0) {
      problems.add(place_of(i), key,
                   "expected UTF-8 text, found the byte " + visible(text_.substr(i, 1)) +
                       ": save the file as UTF-8");
      return false;
    }
    const char c = text_[i];
    const bool line_end = c == '\n' || (c == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n');
    if (!line_end && c != '\t' && (point.value < 0x20 || point.value == 0x7F)) {
      problems.add(place_of(i), key,
                   "expected text, found the control character " + visible(text_.substr(i, 1)) +
                       ": write it as an escape in double quotes");
      return false;
    }
    if (c == '\t' && indentation) {
      problems.add(place_of(i), key, "expected spaces as indentation, found a tab");
      tabs = true;
      indentation = false;  // one problem a line is enough
    }
    indentation = line_end || (indentation && c == ' ');
    i += point.length;
  }
  return !tabs;
}

Place YamlSource::place(int line, int column) const { return place_of(offset(line, column)); }

char YamlSource::at(int line, int column) const {
  const size_t here = offset(line, column);
  return here < text_.size() ? text_[here] : '\0';
}

bool YamlSource::quote_is_closed(int line, int column) const {
  size_t i = offset(line, column);
  const char quote = text_[i];
  for (++i; i < text_.size(); ++i) {
    if (text_[i] == '\\' && quote == '"') {
      ++i;
    } else if (text_[i] == quote) {
      const bool doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
      if (!doubled) return true;
      ++i;
    }
  }
  return false;
}

size_t YamlSource::offset(int line, int column) const {
  if (line < 0 || column < 0) return 0;
  if (static_cast<size_t>(line) >= line_starts_.size()) return text_.size();
  return std::min(line_starts_[static_cast<size_t>(line)] + static_cast<size_t>(column),
                  text_.size());
}

Place YamlSource::place_of(size_t offset) const {
  if (file_ > 0) return {file_, 0, 0};
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const size_t line = static_cast<size_t>(next - line_starts_.begin());
  return {file_, line, columns_[offset]};
}

}  // namespace moe
