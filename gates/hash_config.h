// Config of gates/hash_gate.h.
#pragma once

#include <string>

#include "gates/gate_config.h"

namespace moe {

struct HashConfig : GateConfig {
  int64_t k = 1;
  std::string table = "random";
  int64_t seed = 42;        // of the random table; the published one
  std::string frequencies;  // file of the balanced table

  GateAbout about() const override;
  int64_t slots(int64_t) const override { return k; }
  double flops_per_token(int64_t, int64_t) const override { return 0; }
  // Nothing is learned, so nothing is kept for backward but the k weights.
  double saved_values_per_token(int64_t) const override { return static_cast<double>(2 * k); }
  void fields(Fields& f) override;
  void check(Rules& rules) const override;
};

}  // namespace moe
