// World-wide sums for gates, without knowing how ranks communicate.
#pragma once

#include "layers/torch.h"

namespace moe {

class RankScope {
 public:
  virtual ~RankScope() = default;
  virtual int64_t ranks() const = 0;  // R
  // Elementwise sum over ranks, the same on each; the gradient of every rank's share is its own.
  virtual Tensor sum(const Tensor& values) const = 0;
  // Elementwise sum over the ranks before this one: 0 on the first.
  virtual Tensor exclusive_scan(const Tensor& values) const = 0;
};

class OneRank : public RankScope {
 public:
  int64_t ranks() const override { return 1; }
  Tensor sum(const Tensor& values) const override { return values; }
  Tensor exclusive_scan(const Tensor& values) const override { return at::zeros_like(values); }
};

}  // namespace moe
