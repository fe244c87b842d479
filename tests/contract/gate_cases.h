// Every gate that the contract tests run over. A gate that is in gate_kinds() and not here fails
// GateCases.CoverEveryKind.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace moe {

struct GateCase {
  std::string name;
  std::string yaml;   // %k stands for the number of slots
  double spread = 1;  // deviation of its parameters

  // What a test's name shows.
  friend std::ostream& operator<<(std::ostream& out, const GateCase& test) {
    return out << test.yaml;
  }
};

inline std::vector<GateCase> gate_cases() {
  return {
      {"top_k", "{kind: top_k, k: %k}"},
      {"top_k_after", "{kind: top_k, k: %k, softmax: after, z_loss: 0.1}"},
      {"top_k_plain", "{kind: top_k, k: %k, renormalize: false, balance_scope: sequence}"},
      {"top_k_capacity", "{kind: top_k, k: %k, capacity_factor: 0.6, jitter: 0.1}"},
      {"top_k_choices", "{kind: top_k, k: %k, capacity_factor: 0.6, capacity_order: choice}"},
      {"switch", "{kind: switch, capacity_factor: 0.75}"},
      {"mixtral", "{kind: mixtral, k: %k}"},
      {"dselect_k_dense", "{kind: dselect_k, k: %k, gamma: 50, entropy: 0.1}"},
      {"dselect_k_mixed", "{kind: dselect_k, k: %k, gamma: 4, entropy: 0.1}"},
      {"dselect_k_sparse", "{kind: dselect_k, k: %k, gamma: 0.01, entropy: 0.1}", 2},
      {"dselect_k_static", "{kind: dselect_k_static, k: %k, gamma: 50, entropy: 0.1}"},
      {"dselect_k_static_sparse",
       "{kind: dselect_k_static, k: %k, gamma: 0.01, entropy: 0.1}", 2},
      {"softmax", "{kind: softmax, load_balancing: 0.1}"},
      {"round_robin", "{kind: round_robin, k: %k}"},
  };
}

inline std::string with_slots(std::string yaml, int64_t k) {
  const auto at = yaml.find("%k");
  return at == std::string::npos ? yaml : yaml.replace(at, 2, std::to_string(k));
}

}  // namespace moe
