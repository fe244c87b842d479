// Top-2 gating whose second expert is optional: GShard (Lepikhin et al. 2020, arXiv 2006.16668, section
// 2.2, algorithm 1) and ST-MoE (Zoph et al. 2022, arXiv 2202.08906). One gate, of which both are settings
// (gates/gshard_top_2_config.h, gates/st_moe_config.h).
#pragma once

#include "gates/gate.h"
#include "gates/top_2_config.h"
#include "layers/initializer.h"

namespace moe {

class Top2Gate : public Gate {
 public:
  // First weights are normal with deviation `init_std`.
  Top2Gate(const Top2Options& options, double init_std, int64_t d_model, int64_t experts,
           const Initializer& init);
  Routing forward(const GateInput& input) override;

 private:
  // [T, 2] bool: slots that the policy leaves empty, by the shares of g1 + g2 [T, 2]; undefined: none.
  Tensor refused(const Tensor& share, const GateInput& input) const;

  Top2Options options_;
  Tensor weight_;  // [E, D]
};

}  // namespace moe
