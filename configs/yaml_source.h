// The text that goes into yaml-cpp: what must be refused before, and places in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/problems.h"

namespace moe {

class YamlSource {
 public:
  // `file` as in Place. A byte order mark in front is dropped.
  YamlSource(std::string text, int file);

  // False, with a problem added, for what yaml-cpp would misread without a word: too long a text,
  // bytes that are not UTF-8, control characters (it takes \x04 for the end), tabs as indentation.
  bool accepted(const std::string& key, Problems& problems) const;

  const std::string& text() const { return text_; }

  // From yaml-cpp's line and column, which count from 0, and columns in bytes.
  Place place(int line, int column) const;

  // The byte there, or 0 at the end of the text.
  char at(int line, int column) const;

  // Whether the quoted text that starts there is closed. yaml-cpp takes the end of the file for a
  // closing quote.
  bool quote_is_closed(int line, int column) const;

 private:
  size_t offset(int line, int column) const;
  Place place_of(size_t offset) const;

  std::string text_;
  int file_;
  std::vector<size_t> line_starts_;
  // In characters, from 1, of every byte: counting anew for each node takes minutes where a hostile
  // file is one long line.
  std::vector<uint32_t> columns_;
};

}  // namespace moe
