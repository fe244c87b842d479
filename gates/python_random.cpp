#include "gates/python_random.h"

#include <algorithm>

namespace moe {
namespace {

constexpr size_t kWords = 624, kMiddle = 397;

}  // namespace

PythonRandom::PythonRandom(uint64_t seed) {
  // std::mt19937 can be seeded in another way only, so the generator is written out.
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                       static_cast<uint32_t>(seed >> 32)};
  const size_t keys = key[1] == 0 ? 1 : 2;
  state_[0] = 19650218;
  for (uint32_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  size_t i = 1, j = 0;
  const auto advance = [&] {
    if (++i == kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  const auto mixed = [&](uint32_t factor) {
    return state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * factor);
  };
  for (size_t n = std::max(kWords, keys); n > 0; --n) {
    state_[i] = mixed(1664525u) + key[j] + static_cast<uint32_t>(j);
    j = (j + 1) % keys;
    advance();
  }
  for (size_t n = kWords - 1; n > 0; --n) {
    state_[i] = mixed(1566083941u) - static_cast<uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000u;
}

uint32_t PythonRandom::next() {
  if (at_ == kWords) {
    for (size_t k = 0; k < kWords; ++k) {
      const uint32_t y =
          (state_[k] & 0x80000000u) | (state_[(k + 1) % kWords] & 0x7fffffffu);
      state_[k] = state_[(k + kMiddle) % kWords] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfu : 0u);
    }
    at_ = 0;
  }
  uint32_t y = state_[at_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint32_t PythonRandom::randrange(uint32_t n) {
  // As many bits as n itself has, drawn again until below it: also for powers of two.
  int bits = 0;
  while (bits < 32 && (n >> bits) != 0) {
    ++bits;
  }
  uint32_t drawn;
  do {
    drawn = next() >> (32 - bits);
  } while (drawn >= n);
  return drawn;
}

}  // namespace moe
