#include "train/launch/slurm_text.h"

#include <cctype>
#include <charconv>

namespace moe {
namespace {

constexpr int64_t kMostNodes = 1 << 20;  // a repetition is written out: bounded

// The number that `text` begins with at `at`, which is moved behind it; -1 where there is none.
int64_t take_number(const std::string& text, size_t& at) {
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (error != std::errc() || text[at] == '-') return -1;
  at = static_cast<size_t>(end - text.data());
  return number;
}

}  // namespace

std::optional<std::vector<int64_t>> tasks_of_nodes(const std::string& text) {
  std::vector<int64_t> tasks;
  for (size_t at = 0;; ++at) {
    const int64_t number = take_number(text, at);
    int64_t times = 1;
    if (number < 1) return std::nullopt;
    if (text.compare(at, 2, "(x") == 0) {
      times = take_number(text, at += 2);
      if (times < 1 || at >= text.size() || text[at++] != ')') return std::nullopt;
    }
    if (times + static_cast<int64_t>(tasks.size()) > kMostNodes) return std::nullopt;
    tasks.insert(tasks.end(), static_cast<size_t>(times), number);
    if (at == text.size()) return tasks;
    if (text[at] != ',') return std::nullopt;
  }
}

std::optional<std::string> first_node(const std::string& list) {
  std::string name;
  for (size_t at = 0; at < list.size() && list[at] != ','; ++at) {
    if (list[at] != '[') {
      if (list[at] == ']' || std::isspace(static_cast<unsigned char>(list[at]))) return std::nullopt;
      name += list[at];
      continue;
    }
    // Of a bracket the first number, with its zeros.
    const auto close = list.find(']', at);
    const auto end = list.find_first_not_of("0123456789", at + 1);
    if (close == std::string::npos || end == at + 1 || end > close) return std::nullopt;
    name += list.substr(at + 1, end - at - 1);
    at = close;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

}  // namespace moe
