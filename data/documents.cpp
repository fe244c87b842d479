#include "data/documents.h"

#include <algorithm>

namespace moe {

std::vector<int64_t> separator_ends(std::string_view text, std::string_view separator) {
  std::vector<int64_t> ends;
  if (separator.empty()) return ends;
  const auto length = static_cast<int64_t>(separator.size());
  for (size_t at = text.find(separator); at != text.npos; at = text.find(separator, at + 1)) {
    const int64_t end = static_cast<int64_t>(at) + length;
    const bool touches = !ends.empty() && end - ends.back() <= length;
    if (touches) {
      ends.back() = end;
    } else {
      ends.push_back(end);
    }
  }
  return ends;
}

std::vector<int64_t> document_ends(const TextRun& run, int64_t begin, int64_t end,
                                   const std::string& separator) {
  const auto around = static_cast<int64_t>(separator.size());
  const int64_t from = std::max<int64_t>(0, begin - around);
  const int64_t to = std::min(run.bytes(), end + std::max<int64_t>(1, around));
  // Beyond `end`, so that a joint right there is seen; whatever ends at `to` needs no telling.
  auto joints = run.joints(from, to);
  joints.push_back(to);
  const std::string text = separator.empty() ? "" : run.read(from, to - from);
  std::vector<int64_t> ends;
  int64_t start = from;  // of the file's part: no separator reaches from one file into the next
  for (const int64_t joint : joints) {
    if (!text.empty()) {
      const auto part = std::string_view(text).substr(static_cast<size_t>(start - from),
                                                      static_cast<size_t>(joint - start));
      for (const int64_t place : separator_ends(part, separator)) ends.push_back(start + place);
    }
    const bool last = joint == to;
    if (!last && (ends.empty() || ends.back() != joint)) ends.push_back(joint);
    start = joint;
  }
  std::vector<int64_t> within;
  for (const int64_t place : ends) {
    if (place > begin && place <= end) within.push_back(place - begin);
  }
  return within;
}

}  // namespace moe
