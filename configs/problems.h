// Collects what is wrong with a configuration, so that all of it is said at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moe {

// Where something was written. Lines and columns are 1-based; columns count characters.
struct Place {
  int file = 0;     // 0 is the file; i + 1 is override i, which has no lines
  size_t line = 0;  // 0: nowhere, the file as a whole
  size_t column = 0;
};

class Problems {
 public:
  // `name` is what messages call the text that was read.
  Problems(std::string name, std::vector<std::string> overrides);

  void add(const Place& place, const std::string& key, const std::string& message);
  bool empty() const { return found_.empty(); }

  // Throws one ConfigError, a line for each problem in the order of their places; the file before
  // the overrides. A problem that was added twice is said once.
  void throw_if_any() const;

 private:
  struct Problem {
    Place place;
    std::string text;
  };
  std::string name_;
  std::vector<std::string> overrides_;
  std::vector<Problem> found_;
};

}  // namespace moe
