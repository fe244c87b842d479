#include "train/sum_together.h"

namespace moe {

void sum_together(const RankGroup& ranks, const std::vector<Tensor*>& tensors, const std::string& what) {
  if (ranks.alone()) {
    return;
  }
  std::vector<Tensor> flat;
  for (const auto* tensor : tensors) {
    flat.push_back(tensor->reshape({-1}));
  }
  const auto sums = at::cat(flat);
  ranks.sum(sums, what).wait();
  int64_t at = 0;
  for (auto* tensor : tensors) {
    *tensor = sums.narrow(0, at, tensor->numel()).view(tensor->sizes()).clone();
    at += tensor->numel();
  }
}

}  // namespace moe
