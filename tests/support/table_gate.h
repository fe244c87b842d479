// A gate whose logits are the golden table: x holds them, and the weight is the identity.
#pragma once

#include <memory>
#include <string>

#include "tests/support/gates.h"
#include "tests/support/golden.h"

namespace moe {

struct TableGate {
  Tensor table = golden_tensor("logits");  // [8, 4]
  TestBatch batch{1, 8, 4, at::kDouble};
  std::shared_ptr<Gate> gate;

  explicit TableGate(const std::string& yaml) {
    gate = make_gate(parse_gate(yaml), {4, 4}, Initializer(1, at::kDouble));
    at::NoGradGuard no_grad;
    gate->named_parameters()["weight"].copy_(at::eye(4, at::kDouble));
    batch.x = table;
  }
  Routing forward() { return gate->forward(batch.input()); }
};

// A figure of the gate's own: sum / count.
inline double gate_figure(const Routing& routing, const std::string& name) {
  const auto& mean = routing.stats.gate.at(name);
  return mean.sum.item<double>() / mean.count.item<double>();
}

}  // namespace moe
