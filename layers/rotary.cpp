#include "layers/rotary.h"

#include "layers/shapes.h"

namespace moe {

RotaryTable rotary_table(const Tensor& positions, int64_t head_dim, double theta,
                         at::ScalarType dtype) {
  const auto options = positions.options().dtype(at::kDouble);
  const auto frequency =
      at::pow(theta, at::arange(0, head_dim, 2, options).div(-static_cast<double>(head_dim)));
  const auto angle = positions.to(at::kDouble).unsqueeze(-1) * frequency;  // [B, S, C/2]
  return {angle.cos().to(dtype).unsqueeze(2), angle.sin().to(dtype).unsqueeze(2)};
}

Tensor rotate(const Tensor& x, const RotaryTable& table) {
  const auto halves = x.chunk(2, -1);  // [B, S, heads, C/2] each
  // Types promote: bf16 halves are turned in float32 by a float32 table, and rounded once.
  return at::cat({halves[0] * table.cosine - halves[1] * table.sine,
                  halves[1] * table.cosine + halves[0] * table.sine},
                 -1)
      .to(x.scalar_type());
}

}  // namespace moe
