// Config of gates/round_robin_gate.h.
#pragma once

#include "gates/gate_config.h"

namespace moe {

struct RoundRobinConfig : GateConfig {
  int64_t k = 2;

  GateAbout about() const override { return {"none: a baseline of our own", "k", {}, {}, ""}; }
  int64_t slots(int64_t) const override { return k; }
  double flops_per_token(int64_t, int64_t) const override { return 0; }
  void fields(Fields& f) override { f("k", k, "experts of a token", between(1, 1024)); }
};

}  // namespace moe
