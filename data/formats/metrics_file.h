// metrics.jsonl: one JSON object a line, appended while a run goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/file.h"
#include "data/formats/json_text.h"

namespace moe {

// All rows. A last line without newline (a killed writer's) is left out; any other line that is not
// an object, or is longer than a row can be, is a RunError naming file and line.
std::vector<Json> read_metrics(const std::string& path);

// Keeps the rows whose `step` is at most `step`, rewriting the file atomically (temporary sibling,
// fsync, rename). A missing file is left missing. Throws RunError; also for a row without `step`.
void cut_metrics(const std::string& path, int64_t step);

// Appends rows; each line is flushed to the operating system. A non-finite number becomes null.
class MetricsWriter {
 public:
  // Opens or creates; a torn last line that a killed writer left is cut off. Throws RunError.
  explicit MetricsWriter(const std::string& path);
  void append(const Json& row);  // throws RunError (a full disk), nothing half-written stays

 private:
  std::string path_;
  File file_;
};

}  // namespace moe
