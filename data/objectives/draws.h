// Random numbers that are a pure function of a key and of how many were drawn before.
#pragma once

#include <cstdint>

#include "data/permutation.h"

namespace moe {

class Draws {
 public:
  explicit Draws(uint64_t key) : key_(mix_bits(key)) {}

  // Uniform in [0, bound), bound >= 1, without bias (Lemire 2019, arXiv 1805.10941).
  uint64_t below(uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    auto product = static_cast<Wide>(next()) * bound;
    if (static_cast<uint64_t>(product) < bound) {
      const uint64_t least = (0 - bound) % bound;
      while (static_cast<uint64_t>(product) < least) product = static_cast<Wide>(next()) * bound;
    }
    return static_cast<uint64_t>(product >> 64);
  }

 private:
  uint64_t next() { return mix_bits(key_ + drawn_++); }

  uint64_t key_, drawn_ = 0;
};

}  // namespace moe
