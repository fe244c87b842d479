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
  int64_t multiple = 1;  // the number of experts must be one of this

  // As many experts as asked for, or the next number that it can have.
  int64_t experts(int64_t count) const { return (count + multiple - 1) / multiple * multiple; }

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
      {"top_k_priority", "{kind: top_k, k: %k, capacity_factor: 0.6, capacity_order: priority}"},
      {"top_k_groups", "{kind: top_k, k: %k, capacity_factor: 0.5, group_tokens: 5}"},
      {"noisy_top_k", "{kind: noisy_top_k, k: %k}"},
      {"noisy_top_k_dropout",
       "{kind: noisy_top_k, k: %k, expert_dropout: 0.4, balance_scope: sequence}"},
      {"gshard_top_2", "{kind: gshard_top_2}"},
      {"gshard_top_2_after", "{kind: gshard_top_2, capacity_factor: 0.8, renormalize: after_drop}"},
      {"gshard_top_2_choices",
       "{kind: gshard_top_2, capacity_factor: 0.8, capacity_order: choice, second: all}"},
      {"st_moe", "{kind: st_moe, jitter: 0.01, expert_dropout: 0.2}"},
      {"st_moe_groups", "{kind: st_moe, group_tokens: 8, capacity_factor: 0.8, second: threshold}"},
      {"st_moe_priority", "{kind: st_moe, capacity_factor: 0.8, capacity_order: priority}"},
      {"dselect_k_dense", "{kind: dselect_k, k: %k, gamma: 50, entropy: 0.1}"},
      {"dselect_k_mixed", "{kind: dselect_k, k: %k, gamma: 4, entropy: 0.1}"},
      {"dselect_k_options",
       "{kind: dselect_k, k: %k, gamma: 9, gamma_final: 1, collision: 0.1, load_balancing: 0.1, "
       "init_scale: 20}"},
      {"dselect_k_sparse", "{kind: dselect_k, k: %k, gamma: 0.01, entropy: 0.1}", 2},
      {"dselect_k_static", "{kind: dselect_k_static, k: %k, gamma: 50, entropy: 0.1}"},
      {"dselect_k_static_sparse",
       "{kind: dselect_k_static, k: %k, gamma: 0.01, entropy: 0.1}", 2},
      {"softmax", "{kind: softmax, load_balancing: 0.1}"},
      {"expert_choice", "{kind: expert_choice, k: %k}"},
      {"expert_choice_groups",
       "{kind: expert_choice, k: %k, group_tokens: 11, jitter: 0.1, expert_dropout: 0.3}"},
      {"expert_choice_tokens", "{kind: expert_choice, k: %k, over: tokens, expert_dropout: 0.3}"},
      {"sinkhorn", "{kind: sinkhorn, k: %k}"},
      {"sinkhorn_rough",
       "{kind: sinkhorn, k: %k, iterations: 3, tolerance: 0, jitter: 0.1, expert_dropout: 0.3}"},
      {"base", "{kind: base}"},
      {"base_dropout", "{kind: base, jitter: 0.1, expert_dropout: 0.3}"},
      {"hash", "{kind: hash, k: %k}"},
      {"hash_seed", "{kind: hash, k: %k, seed: 7}"},
      {"round_robin", "{kind: round_robin, k: %k}"},
      {"bias_balanced", "{kind: bias_balanced, k: %k, jitter: 0.1}"},
      {"bias_balanced_softmax",
       "{kind: bias_balanced, k: %k, score: softmax, normalize: false, scale: 2.5, expert_dropout: 0.3}"},
      {"bias_balanced_groups",
       "{kind: bias_balanced, k: 2, groups: 2, groups_kept: 1, sequence_balance: 0.1}", 1, 4},
      {"relu", "{kind: relu, k: %k, lambda: 0.1}"},
      {"relu_plain",
       "{kind: relu, k: %k, lambda: 0.1, balanced: false, jitter: 0.1, expert_dropout: 0.3}"},
      {"hierarchical",
       "{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 1}, inner: {kind: top_k, k: 1}}", 1, 2},
      {"hierarchical_noisy",
       "{kind: hierarchical, groups: 2, outer: {kind: noisy_top_k, k: 2}, inner: {kind: noisy_top_k, k: 1}}",
       1, 2},
      {"hierarchical_sparse",
       "{kind: hierarchical, groups: 2, outer: {kind: dselect_k, k: 1, gamma: 4}, "
       "inner: {kind: relu, k: 1, lambda: 0.1}}", 1, 2},
      {"hierarchical_state",
       "{kind: hierarchical, groups: 2, outer: {kind: relu, k: 1}, "
       "inner: {kind: bias_balanced, k: 2, sequence_balance: 0.1}}", 1, 4},
      {"hierarchical_capacity",
       "{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 2, capacity_factor: 0.6, jitter: 0.1}, "
       "inner: {kind: switch, capacity_factor: 0.6}}", 1, 2},
      {"hierarchical_base",
       "{kind: hierarchical, groups: 2, outer: {kind: top_k, k: 1}, inner: {kind: base}}", 1, 2},
  };
}

inline std::string with_slots(std::string yaml, int64_t k) {
  const auto at = yaml.find("%k");
  return at == std::string::npos ? yaml : yaml.replace(at, 2, std::to_string(k));
}

}  // namespace moe
