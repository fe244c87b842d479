#include "train/context.h"

#include <ATen/OpMathType.h>
#include <ATen/core/Reduction.h>

namespace moe {
namespace {

// Undefined where the batch leaves a plane out.
Tensor plane(const std::vector<int64_t>& values, at::IntArrayRef shape, at::Device device,
             bool always = false) {
  if (values.empty() && !always) {
    return {};
  }
  return at::tensor(values, at::kLong).view(shape).to(device);
}

// The same of flags, bool.
Tensor flag_plane(const std::vector<uint8_t>& flags, at::IntArrayRef shape, at::Device device) {
  if (flags.empty()) {
    return {};
  }
  return at::tensor(flags, at::kByte).view(shape).to(device).to(at::kBool);
}

}  // namespace

ForwardContext make_context(const Batch& batch, at::Device device) {
  ForwardContext context;
  const std::vector<int64_t> shape = {batch.rows, batch.length};
  context.token_ids = plane(batch.tokens, shape, device, true);  // a rank may have no rows
  context.positions = plane(batch.positions, shape, device);
  context.segments = plane(batch.segments, shape, device);
  context.prefix = flag_plane(batch.prefix, shape, device);
  context.valid = flag_plane(batch.valid, shape, device);
  return context;
}

Tensor make_targets(const Batch& batch, at::Device device) {
  return plane(batch.targets, {batch.rows * batch.length}, device, true);
}

Tensor cross_entropy_sum(const Tensor& logits, const Tensor& targets) {
  return at::cross_entropy_loss(logits.to(at::toOpMathType(logits.scalar_type())), targets, {},
                                at::Reduction::Sum, Batch::kNoTarget);
}

Tensor logit_z_loss_sum(const Tensor& logits, const Tensor& targets) {
  const auto total = logits.to(at::toOpMathType(logits.scalar_type())).logsumexp(1);  // [T]
  return total.square().masked_fill(targets == Batch::kNoTarget, 0).sum();
}

}  // namespace moe
