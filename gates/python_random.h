// The integers of Python's random module, so that a table drawn there is the same here: MT19937
// (Matsumoto and Nishimura 1998, ACM TOMACS 8) seeded by their init_by_array, as random.seed(int) does.
#pragma once

#include <array>
#include <cstdint>

namespace moe {

class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);
  // random.randrange(0, n), 1 <= n < 2^32.
  uint32_t randrange(uint32_t n);

 private:
  uint32_t next();

  std::array<uint32_t, 624> state_;
  size_t at_ = 624;
};

}  // namespace moe
