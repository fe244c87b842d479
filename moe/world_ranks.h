// World-wide sums for gates, over c10d.
#pragma once

#include <memory>

#include "gates/rank_scope.h"
#include "moe/rank_group.h"

namespace moe {

class WorldRanks : public RankScope {
 public:
  explicit WorldRanks(std::shared_ptr<const RankGroup> world) : world_(std::move(world)) {}
  int64_t ranks() const override { return world_->size(); }
  Tensor sum(const Tensor& values) const override;
  Tensor exclusive_scan(const Tensor& values) const override;

 private:
  std::shared_ptr<const RankGroup> world_;
};

}  // namespace moe
