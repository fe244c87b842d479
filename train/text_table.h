// A table for a terminal or for Markdown.
#pragma once

#include <string>
#include <vector>

namespace moe {

struct TextTable {
  using Row = std::vector<std::string>;
  Row head;               // the first column is left-aligned, the others right
  std::vector<Row> rows;  // as long as the head

  // Aligned columns. Where they are wider than `width` characters, the remaining columns follow
  // below, the first one repeated before them.
  std::string plain(size_t width = 120) const;
  std::string markdown() const;
};

// Characters, not bytes, of UTF-8 text.
size_t text_width(const std::string& text);

}  // namespace moe
