// metrics.jsonl while its run goes on: what was added since the last look.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"

namespace moe {

class MetricsTail {
 public:
  explicit MetricsTail(std::string path) : path_(std::move(path)) {}

  struct News {
    bool again = false;      // the file is another or was cut: forget the rows of before
    std::vector<Json> rows;  // with an integer `step` and a text `split`
  };
  // A line that its writer has not ended is left for later; a missing file has no news. Throws
  // RunError for a file that cannot be read and for a line longer than any row.
  News read();

  int64_t skipped() const { return skipped_; }  // lines that were no rows
  bool found() const { return found_; }         // whether the file was there at the last look

 private:
  bool is_continued(const File& file, int64_t size);
  void take_lines(News& news);

  std::string path_;
  bool found_ = false;
  uint64_t inode_ = 0;
  int64_t offset_ = 0;   // bytes read
  std::string begun_;    // those after the last newline
  std::string last_;     // the last bytes before offset_, to tell when the file was rewritten
  int64_t skipped_ = 0;
};

}  // namespace moe
