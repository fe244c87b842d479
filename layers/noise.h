// Counter-based noise: a pure function of (seed, step, layer, site, global token index, column).
// No generator state, so it is the same on every rank layout and when a layer is recomputed.
#pragma once

#include "layers/torch.h"

namespace moe {

struct NoiseKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t layer = 0;
  int64_t first_token = 0;  // global index of the first token of this micro-batch
};

// What the noise is for; each use has its own stream.
enum class NoiseSite : uint64_t {
  kInputJitter = 1,
  kExpertDropout = 2,
  kLogits = 3,
  kSecondExpert = 4,
};

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection on 64 bits.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Uniform in [0, 1) with 24 bits: [tokens, columns] float32 on `device`.
Tensor uniform_noise(const NoiseKey& key, NoiseSite site, int64_t tokens, int64_t columns,
                     at::Device device);

// Standard normal (Box and Muller 1958, from two uniform columns each): [tokens, columns] float32.
Tensor normal_noise(const NoiseKey& key, NoiseSite site, int64_t tokens, int64_t columns,
                    at::Device device);

}  // namespace moe
