#include "gates/learned_options.h"

#include <limits>

namespace moe {

Tensor gate_features(const LearnedOptions& options, const GateInput& input) {
  const auto h = input.x.to(gate_dtype(input.x));  // [T, D]
  if (!input.context.training || options.jitter == 0) {
    return h;
  }
  const auto noise =
      uniform_noise(input.noise, NoiseSite::kInputJitter, h.size(0), h.size(1), h.device());  // [T, D]
  return h * (noise.to(h.scalar_type()) * (2 * options.jitter) + (1 - options.jitter));
}

Tensor dropped_experts(const LearnedOptions& options, const GateInput& input, int64_t experts,
                       int64_t k) {
  if (!input.context.training || options.expert_dropout == 0) {
    return {};
  }
  const auto drawn = uniform_noise(input.noise, NoiseSite::kExpertDropout, input.x.size(0), experts,
                                   input.x.device());                           // [T, E]
  const auto kth = std::get<0>(drawn.sort(1)).narrow(1, experts - k, 1);        // [T, 1]
  return (drawn < options.expert_dropout) & (drawn < kth);
}

Tensor without_dropped(const Tensor& logits, const Tensor& dropped) {
  return dropped.defined()
             ? logits.masked_fill(dropped, -std::numeric_limits<double>::infinity())
             : logits;
}

}  // namespace moe
