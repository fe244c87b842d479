// How far two checkpoints choose the same experts for the same tokens: router saturation of OLMoE
// (Muennighoff et al. 2024, arXiv 2409.02060, section 5.1). Bounded memory.
#pragma once

#include "moe/moe_layer.h"

namespace moe {

class Agreement {
 public:
  // The experts of a layer, and how many of a token's largest weights are its choice, now and in the
  // reference: a gate that is still dense is compared by what it will keep.
  Agreement(int64_t experts, int64_t k_now, int64_t k_reference)
      : experts_(experts), k_now_(k_now), k_reference_(k_reference) {}

  // The same tokens through both. `valid` [T] bool, or undefined: all are text.
  void add(const KeptRouting& now, const KeptRouting& reference, const Tensor& valid);

  // Whether the reference chose anything for any token. The others require that.
  bool any() const { return tokens_ > 0; }
  // Share of the reference's choice that is still chosen now, mean over the tokens that had one.
  double saturation() const { return kept_ / tokens_; }
  // What it would be by chance, for choices as many as now.
  double chance() const { return chosen_ / tokens_ / static_cast<double>(experts_); }

 private:
  int64_t experts_, k_now_, k_reference_;
  double kept_ = 0, chosen_ = 0, tokens_ = 0;
};

}  // namespace moe
