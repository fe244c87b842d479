// From data's plain Batch to what the model takes.
#pragma once

#include "data/batch.h"
#include "layers/forward_context.h"

namespace moe {

// On `device`. step, progress, noise and training are left at their defaults.
ForwardContext make_context(const Batch& batch, at::Device device);
Tensor make_targets(const Batch& batch, at::Device device);  // [T] int64, Batch::kNoTarget where unscored

// Sum over scored positions of -log p(target), nats; logits [T, V] in any float type, formed in float32
// or in float64.
Tensor cross_entropy_sum(const Tensor& logits, const Tensor& targets);

// Sum over scored positions of (log sum_v e^logit_v)^2, which keeps logits from drifting (PaLM, Chowdhery
// et al. 2022, arXiv 2204.02311, section 5). Same types.
Tensor logit_z_loss_sum(const Tensor& logits, const Tensor& targets);

}  // namespace moe
