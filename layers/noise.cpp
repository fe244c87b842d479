#include "layers/noise.h"

#include <numbers>

namespace moe {
namespace {

constexpr int64_t kLow32 = 0xFFFFFFFFll;

// A 32-bit mixer with low bias (constants by C. Wellons, "Prospecting for hash functions", 2018),
// on int64 tensors that hold 32-bit values: shifts are then logical, products are cut to 32 bits.
Tensor mix32(Tensor x) {
  x = x.bitwise_xor(x.bitwise_right_shift(16)).mul(0x7feb352dll).bitwise_and(kLow32);
  x = x.bitwise_xor(x.bitwise_right_shift(15)).mul(0x846ca68bll).bitwise_and(kLow32);
  return x.bitwise_xor(x.bitwise_right_shift(16));
}

}  // namespace

Tensor uniform_noise(const NoiseKey& key, NoiseSite site, int64_t tokens, int64_t columns,
                     at::Device device) {
  const uint64_t stream =
      mix64(mix64(mix64(mix64(key.seed) ^ static_cast<uint64_t>(key.step)) ^
                  static_cast<uint64_t>(key.layer)) ^
            static_cast<uint64_t>(site));
  const auto token_key = static_cast<int64_t>(stream >> 32);
  const auto column_key = static_cast<int64_t>(stream & kLow32);
  const auto options = at::TensorOptions().dtype(at::kLong).device(device);

  const auto index = at::arange(key.first_token, key.first_token + tokens, options);  // [T]
  const auto high = mix32(index.bitwise_right_shift(32).bitwise_and(kLow32).bitwise_xor(token_key));
  const auto token = mix32(index.bitwise_and(kLow32).bitwise_xor(high)).unsqueeze(1);  // [T, 1]
  const auto column = mix32(at::arange(columns, options).add(column_key).bitwise_and(kLow32));
  const auto bits = mix32(token.bitwise_xor(column));  // [T, columns]
  return bits.bitwise_right_shift(8).to(at::kFloat).mul(1.0f / (1 << 24));
}

Tensor normal_noise(const NoiseKey& key, NoiseSite site, int64_t tokens, int64_t columns,
                    at::Device device) {
  const auto uniform = uniform_noise(key, site, tokens, 2 * columns, device);  // [T, 2 columns]
  // 1 - u is in (0, 1], so that its logarithm is finite.
  const auto radius = (1 - uniform.narrow(1, 0, columns)).log().mul(-2).sqrt();
  return radius * uniform.narrow(1, columns, columns).mul(2 * std::numbers::pi).cos();
}

}  // namespace moe
