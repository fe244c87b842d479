// Tokens without structure: speed does not depend on it, and nothing has to be installed.
#pragma once

#include "data/dataset.h"
#include "data/permutation.h"

namespace moe {

class RandomTokens : public Dataset {
 public:
  static constexpr int64_t kVocabulary = 512;

  // Rows of `length` ids in [0, below).
  explicit RandomTokens(int64_t length, int64_t below = kVocabulary) : length_(length), below_(below) {}
  int64_t rows_per_epoch() const override { return 1 << 20; }
  Batch batch(int64_t first, int64_t rows) const override {
    Batch batch;
    batch.rows = rows;
    batch.length = length_;
    batch.target_tokens = rows * length_;
    for (int64_t i = 0; i < rows * length_; ++i) {
      const auto draw = mix_bits(static_cast<uint64_t>(first * length_ + i));
      batch.tokens.push_back(static_cast<int64_t>(draw % static_cast<uint64_t>(below_)));
      batch.targets.push_back(static_cast<int64_t>((draw >> 32) % static_cast<uint64_t>(below_)));
    }
    return batch;
  }

 private:
  int64_t length_, below_;
};

}  // namespace moe
