// The byte vocabulary: an id below 256 is that byte, whatever the bytes mean.
//
// 512 ids, so that a checkpoint trained causally can be continued with denoising objectives
// unchanged: the mode tokens and sentinels they need are there from the start.
#pragma once

#include "data/tokenizer.h"

namespace moe {

class ByteTokenizer : public Tokenizer {
 public:
  static constexpr int64_t kBytes = 256;          // ids 0-255 are bytes
  static constexpr int64_t kEnd = 256;            // end of text, and padding
  static constexpr int64_t kFirstMode = 257;      // mode tokens of mixed denoising objectives
  static constexpr int64_t kModes = 3;            // 257-259
  static constexpr int64_t kFirstSentinel = 260;  // stand for masked spans
  static constexpr int64_t kSentinels = 252;      // 260-511
  static constexpr int64_t kVocabulary = 512;

  int64_t vocabulary() const override { return kVocabulary; }
  static SpecialIds ids() {
    return {kEnd, {kFirstMode, kFirstMode + 1, kFirstMode + 2}, kVocabulary - 1, kSentinels};
  }
  SpecialIds special_ids() const override { return ids(); }
  std::vector<int64_t> encode(const std::string& text) const override;
  // Throws std::out_of_range for an id outside [0, 512).
  std::string decode(const std::vector<int64_t>& ids) const override;
};

}  // namespace moe
