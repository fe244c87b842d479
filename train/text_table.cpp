#include "train/text_table.h"

#include <algorithm>

namespace moe {
namespace {

constexpr size_t kGap = 2;

std::string padding(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text_width(text)), ' ');
}

std::string escaped(const std::string& cell) {
  std::string text;
  for (const char c : cell) {
    if (c == '|') {
      text += '\\';
    }
    text += c;
  }
  return text;
}

}  // namespace

size_t text_width(const std::string& text) {
  // Every byte but UTF-8's continuation bytes (10xxxxxx) begins a character.
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string TextTable::plain(size_t width) const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < head.size(); ++column) {
    widths.push_back(text_width(head[column]));
    for (const auto& row : rows) {
      widths[column] = std::max(widths[column], text_width(row[column]));
    }
  }
  std::string text;
  for (size_t begin = 1; begin < head.size();) {
    size_t end = begin, used = widths[0];
    while (end < head.size() && (end == begin || used + kGap + widths[end] <= width)) {
      used += kGap + widths[end++];
    }
    const auto add = [&](const Row& row) {
      text += row[0] + padding(row[0], widths[0]);
      for (size_t column = begin; column < end; ++column) {
        text += std::string(kGap, ' ') + padding(row[column], widths[column]) + row[column];
      }
      text.erase(text.find_last_not_of(' ') + 1);
      text += "\n";
    };
    text += begin > 1 ? "\n" : "";
    add(head);
    std::for_each(rows.begin(), rows.end(), add);
    begin = end;
  }
  return text;
}

std::string TextTable::markdown() const {
  const auto line = [](const Row& row) {
    std::string text = "|";
    for (const auto& cell : row) {
      text += " " + escaped(cell) + " |";
    }
    return text + "\n";
  };
  std::string text = line(head) + "|---|";
  for (size_t column = 1; column < head.size(); ++column) {
    text += "---:|";
  }
  text += "\n";
  for (const auto& row : rows) {
    text += line(row);
  }
  return text;
}

}  // namespace moe
