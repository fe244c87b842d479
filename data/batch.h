// What training gets from data: plain row-major arrays, no LibTorch.
#pragma once

#include <cstdint>
#include <vector>

namespace moe {

struct Batch {
  static constexpr int64_t kNoTarget = -100;  // a position that is not scored

  int64_t rows = 0;                     // B
  int64_t length = 0;                   // S
  std::vector<int64_t> tokens;          // [B * S]
  std::vector<int64_t> targets;         // [B * S], the next token, or kNoTarget
  std::vector<int64_t> positions;       // [B * S], or empty: 0, 1, ... in every row
  std::vector<int64_t> segments;        // [B * S], or empty: one document per row
  std::vector<uint8_t> prefix;          // [B * S], 1: tokens of one segment that all see each other; or empty
  std::vector<uint8_t> valid;           // [B * S], 0: padding; or empty: none is
  int64_t target_tokens = 0;            // targets other than kNoTarget
};

}  // namespace moe
