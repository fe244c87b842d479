#include "data/text_run.h"

#include <algorithm>

namespace moe {

void TextRun::append(const TextFile& file, int64_t begin, int64_t end) {
  if (end > begin) pieces_.push_back({&file, begin, bytes(), bytes() + end - begin});
}

std::vector<TextRun::Piece>::const_iterator TextRun::piece_at(int64_t place) const {
  return std::upper_bound(pieces_.begin(), pieces_.end(), place,
                          [](int64_t at, const Piece& piece) { return at < piece.end; });
}

std::string TextRun::read(int64_t begin, int64_t count) const {
  std::string text(static_cast<size_t>(count), '\0');
  int64_t done = 0;
  for (auto piece = piece_at(begin); done < count; ++piece) {
    const int64_t from = begin + done;
    const int64_t here = std::min(count - done, piece->end - from);
    piece->file->read(piece->in_file + from - piece->begin, here, text.data() + done);
    done += here;
  }
  return text;
}

std::vector<int64_t> TextRun::joints(int64_t begin, int64_t end) const {
  std::vector<int64_t> places;
  for (auto piece = piece_at(begin); piece != pieces_.end() && piece->end < end; ++piece) {
    places.push_back(piece->end);
  }
  return places;
}

}  // namespace moe
