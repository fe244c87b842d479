// metrics.jsonl: one JSON object a line, appended while a run goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/formats/file.h"
#include "data/formats/json_text.h"

namespace moe {

// A row of a thousand layers of a thousand experts fits; what is longer is no row.
inline constexpr size_t kLongestRow = size_t{1} << 26;  // bytes of the line
inline constexpr JsonLimits kRowLimits = {8, size_t{1} << 23, 10'000};

// Calls `take` with every row in turn, holding no more of the file than one: as a tree, rows take
// several times the file. A last line without newline (a killed writer's) is left out; any other
// line that is not an object, or is longer than a row can be, is a RunError naming file and line.
void each_row(const std::string& path, const std::function<void(Json& row)>& take);

// All rows at once, for those who need all of them.
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
