// Gradients added up over the ranks that hold the same parameter, in buckets that leave while backward is
// still computing the next ones (Li et al. 2020, arXiv 2006.15704, section 3.2.3).
//
// Losses are divided by the target tokens of all ranks, so sums are the gradients of the mean loss. Which
// parameters share a bucket and in which order buckets leave follows from the list of parameters
// alone, so ranks cannot disagree, whatever order gradients come in.
#pragma once

#include <memory>
#include <vector>

#include "moe/mesh.h"
#include "train/master_weights.h"

namespace moe {

class GradientSum {
 public:
  // `weights` outlives it. Parameters that need no gradient by then take no part.
  GradientSum(MasterWeights& weights, const Mesh& mesh, double bucket_mib);
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  // The next backward is the step's last: what it leaves is sent off at once.
  void begin();
  // To be called after every backward. After the last one every original's gradient is its sum over all
  // ranks. Throws RankFailure.
  void finish();

 private:
  struct Bucket;
  struct Hook;
  void arrived(size_t parameter);
  void send_full_ones();

  MasterWeights& weights_;
  bool alone_;
  bool last_ = false;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  // Of every parameter: its bucket and its number in it; -1 where it takes no part.
  std::vector<std::pair<int64_t, size_t>> place_;
};

}  // namespace moe
