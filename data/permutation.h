// A shuffle of [0, n) that is a formula: any element of it in constant time, no table.
//
// A Feistel network (a bijection whatever its round function is) over the next even power of two,
// applied again while the result lies outside [0, n): "cycle walking" (Black and Rogaway, 2002).
#pragma once

#include <array>
#include <cstdint>

namespace moe {

// Well-mixed 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood, 2014).
uint64_t mix_bits(uint64_t value);
// A key made of two numbers; the order matters.
uint64_t mix_bits(uint64_t first, uint64_t second);

class Permutation {
 public:
  // Of [0, size), size >= 1. The same key gives the same order on every machine.
  Permutation(int64_t size, uint64_t key);
  // Requires 0 <= index < size.
  int64_t operator()(int64_t index) const;

 private:
  static constexpr int kRounds = 6;
  uint64_t size_;
  int half_bits_ = 1;
  std::array<uint64_t, kRounds> keys_;
};

}  // namespace moe
