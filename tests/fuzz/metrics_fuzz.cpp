// Any bytes as metrics.jsonl: what a run resumes with and moe-compare reads.
#include <algorithm>

#include "configs/errors.h"
#include "data/formats/metrics_file.h"
#include "tests/fuzz/fuzz.h"

namespace moe {
namespace {

void check(const std::string& bytes) {
  std::vector<Json> rows;
  try {
    rows = read_metrics(MemoryFile(bytes).path());
  } catch (const RunError& error) {
    require_message(error.what());
    return;
  }
  require(rows.size() == static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n')),
          "every complete line is a row");
  const MemoryFile again("");
  {
    MetricsWriter writer(again.path());
    for (const auto& row : rows) {
      require(row.is_object(), "rows are objects");
      writer.append(row);
    }
  }
  require(read_metrics(again.path()) == rows, "read(write(rows)) == rows", bytes);
}

}  // namespace
}  // namespace moe

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  moe::check(moe::text_of(data, size));
  return 0;
}
