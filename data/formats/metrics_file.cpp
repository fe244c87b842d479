#include "data/formats/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <string_view>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"

namespace moe {
namespace {

struct Line {
  std::string text;  // with its newline
  Json row;
};

std::vector<Line> complete_lines(const std::string& path) {
  const std::string text = read_text_file(path, std::numeric_limits<int64_t>::max());
  std::vector<Line> lines;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    Line line;
    line.text = text.substr(begin, end + 1 - begin);
    line.row = Json::parse(line.text, nullptr, /*allow_exceptions=*/false);
    if (!line.row.is_object()) {
      throw RunError(in_quotes(path) + ":" + std::to_string(lines.size() + 1) +
                     ": expected a JSON object, found " +
                     in_quotes(text.substr(begin, end - begin)));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// Bytes up to and with the last newline.
int64_t complete_bytes(const File& file, const std::string& name) {
  constexpr int64_t kPiece = 4096;
  for (int64_t end = file_size(file, name); end > 0;) {
    const int64_t begin = std::max<int64_t>(0, end - kPiece);
    std::string piece(static_cast<size_t>(end - begin), '\0');
    read_at(file, static_cast<uint64_t>(begin), piece.data(), piece.size(), name);
    const size_t newline = piece.rfind('\n');
    if (newline != std::string::npos) return begin + static_cast<int64_t>(newline) + 1;
    end = begin;
  }
  return 0;
}

void cut_to(const File& file, int64_t bytes, const std::string& name) {
  if (::ftruncate(file.descriptor(), bytes) != 0) {
    throw RunError(name + ": cannot be cut to its complete lines: " + error_text(errno));
  }
}

}  // namespace

std::vector<Json> read_metrics(const std::string& path) {
  std::vector<Json> rows;
  for (auto& line : complete_lines(path)) rows.push_back(std::move(line.row));
  return rows;
}

void cut_metrics(const std::string& path, int64_t step) {
  if (!std::filesystem::exists(path)) return;
  std::string kept;
  int64_t number = 0;
  for (const auto& line : complete_lines(path)) {
    ++number;
    const auto found = line.row.find("step");
    if (found == line.row.end() || !found->is_number_integer()) {
      throw RunError(in_quotes(path) + ":" + std::to_string(number) +
                     ": step: expected an integer, found " +
                     (found == line.row.end() ? "none" : in_quotes(found->dump())));
    }
    if (found->get<int64_t>() <= step) kept += line.text;
  }
  AtomicFile file(path, in_quotes(path));
  file.write(kept);
  file.commit();
}

MetricsWriter::MetricsWriter(const std::string& path)
    : path_(path),
      file_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666)) {
  const std::string name = in_quotes(path);
  if (file_.descriptor() < 0) {
    throw RunError(name + ": cannot be opened to append: " + error_text(errno));
  }
  open_regular(path, name);  // says so when it is a FIFO or a device
  if (const int64_t bytes = complete_bytes(file_, name); bytes < file_size(file_, name)) {
    cut_to(file_, bytes, name);
  }
}

void MetricsWriter::append(const Json& row) {
  const std::string name = in_quotes(path_);
  // dump() writes non-finite numbers as null; bytes that are not UTF-8 become U+FFFD.
  const std::string line = row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const int64_t before = file_size(file_, name);
  try {
    write_all(file_, line, name);
  } catch (const RunError&) {
    cut_to(file_, before, name);
    throw;
  }
}

}  // namespace moe
