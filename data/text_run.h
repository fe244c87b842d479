// Contiguous text to cut rows from: pieces of files, one after another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/text_file.h"

namespace moe {

class TextRun {
 public:
  // Adds bytes [begin, end) of `file`, which outlives the run.
  void append(const TextFile& file, int64_t begin, int64_t end);

  int64_t bytes() const { return pieces_.empty() ? 0 : pieces_.back().end; }
  // Bytes [begin, begin + count), which lie in [0, bytes()). Throws RunError.
  std::string read(int64_t begin, int64_t count) const;
  // Where a piece of another file begins: places in (begin, end), ascending.
  std::vector<int64_t> joints(int64_t begin, int64_t end) const;

 private:
  struct Piece {
    const TextFile* file;
    int64_t in_file;     // where it begins there
    int64_t begin, end;  // in this run
  };
  // The piece that holds this byte.
  std::vector<Piece>::const_iterator piece_at(int64_t place) const;

  std::vector<Piece> pieces_;
};

}  // namespace moe
