// Which bytes are for training and which for validation.
//
// The files, one after another, are cut into blocks; of every round of round(1 / valid_fraction)
// blocks the middle one is validation. Interleaved blocks, because a text is often ordered (a
// dictionary's end holds other letters than its beginning); the middle, so that a text that ends
// within its first round still has one.
//
// Blocks shrink, so that even a short text has one full round. Where a block would then no longer
// hold a window, or files are so short that no validation block holds one, there is a single
// validation block: in the middle of the longest file (at its end where the part before the middle
// could not hold a window), at least one window and at most half of that file where it has two.
#pragma once

#include <cstdint>
#include <vector>

namespace moe {

struct FileRange {
  int64_t file = 0;   // index into the list of files
  int64_t begin = 0;  // bytes of that file
  int64_t end = 0;
};

// Ranges in order, disjoint, together every byte; none crosses a file.
struct Split {
  std::vector<FileRange> train;
  std::vector<FileRange> valid;
};

// `window` is the bytes of one row with its targets; blocks are at least that long. Where the text
// is too short for a window on both sides, one of them ends up without: the caller says so.
Split split_text(const std::vector<int64_t>& file_bytes, double valid_fraction, int64_t block_bytes,
                 int64_t window);

// Every byte of every file, for lists of files that are not split.
std::vector<FileRange> whole_files(const std::vector<int64_t>& file_bytes);

// Whether any range can hold a window.
bool holds_window(const std::vector<FileRange>& ranges, int64_t window);

}  // namespace moe
