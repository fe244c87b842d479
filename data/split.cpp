#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe {
namespace {

// Appends bytes [begin, end) of the files laid end to end, cut where a file ends.
class RangeCutter {
 public:
  explicit RangeCutter(const std::vector<int64_t>& file_bytes) : file_bytes_(file_bytes) {}

  // Ranges must come in order.
  void append(int64_t begin, int64_t end, std::vector<FileRange>& ranges) {
    while (begin < end) {
      while (begin >= start_ + file_bytes_[file_]) start_ += file_bytes_[file_++];
      const int64_t stop = std::min(end, start_ + file_bytes_[file_]);
      ranges.push_back({static_cast<int64_t>(file_), begin - start_, stop - start_});
      begin = stop;
    }
  }

 private:
  const std::vector<int64_t>& file_bytes_;
  size_t file_ = 0;
  int64_t start_ = 0;  // where that file begins
};

Split interleaved(const std::vector<int64_t>& file_bytes, int64_t total, int64_t round,
                  int64_t block) {
  Split split;
  RangeCutter cutter(file_bytes);
  int64_t done = 0;
  for (int64_t begin = round / 2 * block; begin < total; begin += round * block) {
    cutter.append(done, begin, split.train);
    done = std::min(begin + block, total);
    cutter.append(begin, done, split.valid);
  }
  cutter.append(done, total, split.train);
  return split;
}

Split single_block(const std::vector<int64_t>& file_bytes, int64_t block, int64_t window) {
  const auto longest = std::max_element(file_bytes.begin(), file_bytes.end());
  const auto begin_of_file = std::accumulate(file_bytes.begin(), longest, int64_t{0});
  const int64_t total = std::accumulate(longest, file_bytes.end(), begin_of_file);
  block = std::min({block, std::max(window, *longest / 2), *longest});
  int64_t before = (*longest - block) / 2;
  if (before < window) before = *longest - block;
  Split split;
  RangeCutter cutter(file_bytes);
  const int64_t begin = begin_of_file + before;
  cutter.append(0, begin, split.train);
  cutter.append(begin, begin + block, split.valid);
  cutter.append(begin + block, total, split.train);
  return split;
}

}  // namespace

Split split_text(const std::vector<int64_t>& file_bytes, double valid_fraction, int64_t block_bytes,
                 int64_t window) {
  constexpr double kLongestRound = 1e9;
  const int64_t round = std::llround(std::min(1 / valid_fraction, kLongestRound));
  const int64_t total = std::accumulate(file_bytes.begin(), file_bytes.end(), int64_t{0});
  const int64_t block = std::max(std::min(block_bytes, total / round), window);
  if (total / round >= block) {
    const Split split = interleaved(file_bytes, total, round, block);
    if (holds_window(split.train, window) && holds_window(split.valid, window)) return split;
  }
  return single_block(file_bytes, block, window);
}

std::vector<FileRange> whole_files(const std::vector<int64_t>& file_bytes) {
  std::vector<FileRange> ranges;
  for (size_t i = 0; i < file_bytes.size(); ++i) {
    ranges.push_back({static_cast<int64_t>(i), 0, file_bytes[i]});
  }
  return ranges;
}

bool holds_window(const std::vector<FileRange>& ranges, int64_t window) {
  return std::any_of(ranges.begin(), ranges.end(), [window](const FileRange& range) {
    return range.end - range.begin >= window;
  });
}

}  // namespace moe
