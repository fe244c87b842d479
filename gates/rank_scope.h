// World-wide sums for gates, without knowing how ranks communicate.
//
// Both are collectives: every rank calls the same ones in the same order, with tensors of one shape and dtype
// (floating or int64), also a rank without tokens. So what decides whether a gate calls them is the config, the
// context's flags or the layout, and never a rank's own tokens, their number or their values.
#pragma once

#include "layers/torch.h"

namespace moe {

class RankScope {
 public:
  virtual ~RankScope() = default;
  virtual int64_t ranks() const = 0;  // R
  // Elementwise sum over ranks, the same bits on each. Backward is the identity: every rank goes back through
  // its own share with its own copy of the loss, and gradients of parameters are added up over ranks
  // afterwards. So a sum must not be formed of what another sum's gradient runs through.
  virtual Tensor sum(const Tensor& values) const = 0;
  // Elementwise sum over the ranks before this one: 0 on the first. Without gradient.
  virtual Tensor exclusive_scan(const Tensor& values) const = 0;
};

class OneRank : public RankScope {
 public:
  int64_t ranks() const override { return 1; }
  Tensor sum(const Tensor& values) const override { return values; }
  Tensor exclusive_scan(const Tensor& values) const override { return at::zeros_like(values); }
};

}  // namespace moe
