#include "train/diagnose/tail.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr int64_t kPiece = int64_t{1} << 20;
constexpr size_t kRemembered = 256;

bool is_row(const Json& row) {
  if (!row.is_object()) return false;
  const auto step = row.find("step"), split = row.find("split");
  return step != row.end() && step->is_number_integer() && split != row.end() &&
         split->is_string();
}

uint64_t inode_of(const File& file) {
  struct stat about {};
  return fstat(file.descriptor(), &about) == 0 ? about.st_ino : 0;
}

}  // namespace

// A resumed run cuts the file by renaming a shorter one over it, or in place after a torn line.
bool MetricsTail::is_continued(const File& file, int64_t size) {
  if (inode_of(file) != inode_ || size < offset_) return false;
  std::string there(last_.size(), '\0');
  read_at(file, static_cast<uint64_t>(offset_) - last_.size(), there.data(), there.size(),
          in_quotes(path_));
  return there == last_;
}

void MetricsTail::take_lines(News& news) {
  size_t begin = 0;
  for (size_t end; (end = begun_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    try {
      auto row = parse_json_object(std::string_view(begun_).substr(begin, end - begin), "a line",
                                   kRowLimits);
      if (is_row(row)) {
        news.rows.push_back(std::move(row));
        continue;
      }
    } catch (const RunError&) {
      // Counted: a live view goes on with the rows that can be read.
    }
    ++skipped_;
  }
  begun_.erase(0, begin);
  if (begun_.size() > kLongestRow) {
    throw RunError(in_quotes(path_) + ": expected lines of at most 64 MiB, found a longer one; it "
                                      "is not a run's metrics.jsonl");
  }
}

MetricsTail::News MetricsTail::read() {
  News news;
  std::error_code error;
  found_ = std::filesystem::exists(path_, error);
  if (!found_) {
    news.again = offset_ > 0;
    *this = MetricsTail(path_);
    return news;
  }
  const auto name = in_quotes(path_);
  const auto file = open_regular(path_, name);
  int64_t size = file_size(file, name);
  if (offset_ > 0 && !is_continued(file, size)) {
    *this = MetricsTail(path_);
    found_ = news.again = true;
  }
  inode_ = inode_of(file);
  while (offset_ < size) {
    std::string piece(static_cast<size_t>(std::min(kPiece, size - offset_)), '\0');
    read_at(file, static_cast<uint64_t>(offset_), piece.data(), piece.size(), name);
    offset_ += static_cast<int64_t>(piece.size());
    begun_ += piece;
    last_ = (last_ + piece).substr(last_.size() + piece.size() -
                                   std::min(kRemembered, last_.size() + piece.size()));
    take_lines(news);
  }
  return news;
}

}  // namespace moe
