#include "train/routed/agreement.h"

#include "train/routed/chosen.h"

namespace moe {

void Agreement::add(const KeptRouting& now, const KeptRouting& reference, const Tensor& valid) {
  const auto mine = top_experts(now, experts_, k_now_);                   // [T, E]
  const auto theirs = top_experts(reference, experts_, k_reference_);    // [T, E]
  const auto count = theirs.sum(1);                                       // [T]
  auto counted = count > 0;
  if (valid.defined()) counted = counted & valid;
  const auto kept = (mine * theirs).sum(1) / count.clamp_min(1);  // [T]
  const auto sums = at::stack({(kept * counted).sum(at::kDouble),
                               (mine.sum(1) * counted).sum(at::kDouble), counted.sum(at::kDouble)})
                        .cpu();
  const double* sum = sums.const_data_ptr<double>();
  kept_ += sum[0];
  chosen_ += sum[1];
  tokens_ += sum[2];
}

}  // namespace moe
