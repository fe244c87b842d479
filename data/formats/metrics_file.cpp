#include "data/formats/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/printable.h"

namespace moe {
namespace {

struct Line {
  std::string text;   // with its newline
  std::string place;  // 'file':line
  Json row;
};

// Calls `take` with every complete line in turn, holding no more of the file than that line.
void each_line(const std::string& path, const std::function<void(Line&)>& take) {
  constexpr uint64_t kPiece = uint64_t{1} << 16;
  const std::string name = in_quotes(path);
  const File file = open_regular(path, name);
  const auto bytes = static_cast<uint64_t>(file_size(file, name));
  std::string pending;
  int64_t number = 1;
  for (uint64_t done = 0; done < bytes;) {
    std::string piece(std::min(bytes - done, kPiece), '\0');
    read_at(file, done, piece.data(), piece.size(), name);
    done += piece.size();
    size_t begin = 0;
    for (size_t end; (end = piece.find('\n', begin)) != std::string::npos; begin = end + 1) {
      Line line;
      line.text = pending.append(piece, begin, end + 1 - begin);
      line.place = name + ":" + std::to_string(number++);
      line.row = parse_json_object(std::string_view(line.text.data(), line.text.size() - 1),
                                   line.place, kRowLimits);
      take(line);
      pending.clear();
    }
    pending.append(piece, begin);
    if (pending.size() > kLongestRow) {
      throw RunError(name + ":" + std::to_string(number) + ": expected a line of at most " +
                     std::to_string(kLongestRow) + " bytes, found more");
    }
  }
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

void each_row(const std::string& path, const std::function<void(Json&)>& take) {
  each_line(path, [&take](Line& line) { take(line.row); });
}

std::vector<Json> read_metrics(const std::string& path) {
  std::vector<Json> rows;
  each_row(path, [&rows](Json& row) { rows.push_back(std::move(row)); });
  return rows;
}

void cut_metrics(const std::string& path, int64_t step) {
  if (!std::filesystem::exists(path)) return;
  AtomicFile file(path, in_quotes(path));
  each_line(path, [&file, step](Line& line) {
    if (count_at(line.row, "step", line.place) <= step) file.write(line.text);
  });
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
