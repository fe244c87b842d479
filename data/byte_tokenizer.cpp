#include "data/byte_tokenizer.h"

#include <stdexcept>

namespace moe {

static_assert(ByteTokenizer::kFirstMode + ByteTokenizer::kModes == ByteTokenizer::kFirstSentinel);
static_assert(ByteTokenizer::kFirstSentinel + ByteTokenizer::kSentinels ==
              ByteTokenizer::kVocabulary);

std::vector<int64_t> ByteTokenizer::encode(const std::string& text) const {
  std::vector<int64_t> ids;
  ids.reserve(text.size());
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

std::string ByteTokenizer::decode(const std::vector<int64_t>& ids) const {
  std::string text;
  text.reserve(ids.size());
  for (const int64_t id : ids) {
    if (id < 0 || id >= kVocabulary) {
      throw std::out_of_range("decode: expected ids in [0, 512), found " + std::to_string(id));
    }
    if (id < kBytes) text += static_cast<char>(id);
  }
  return text;
}

}  // namespace moe
