// Two levels of gates (Shazeer et al. 2017, arXiv 1701.06538, appendix B): the outer one weighs
// groups of experts, each group's inner gate the experts in it, and a weight is the product of
// both:
//
//   y = sum_i sum_j outer_i inner_ij f_ij(x),   expert i * E / G + j
//
// Both levels are gates like any other, with their own losses, noise and state. An inner gate sees
// the tokens that the outer one did not send to its group as padding, so that its losses and loads
// are of its own tokens. The published importance and load are products over both levels, one CV^2
// over all experts; here every gate has its own, and those of the inner gates are averaged.
#pragma once

#include <vector>

#include "gates/gate_list.h"
#include "gates/hierarchical_config.h"

namespace moe {

class HierarchicalGate : public Gate {
 public:
  HierarchicalGate(const HierarchicalConfig& config, const GateSize& size, const Initializer& init);
  // Losses and figures are named outer.X and inner.X; inner.X is the mean over groups. stats.parts:
  // the outer gate's, then every group's.
  Routing forward(const GateInput& input) override;
  // Each inner gate gets what its group did. What a gate shares over all layers of its kind (lambda
  // of relu) is shared by the groups of this layer here.
  void end_step(const StepStats& stats) override;

 private:
  int64_t groups_;  // G
  int64_t size_;    // n = E / G, experts of a group
  int64_t slots_;   // of a token in one group, once the inner gate is sparse
  double share_;    // of all tokens, those that a group gets on average once the outer gate is sparse
  std::shared_ptr<Gate> outer_;
  std::vector<std::shared_ptr<Gate>> inner_;  // [G]
};

}  // namespace moe
