// Gates made from a line of YAML, and inputs for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configs/config_io.h"
#include "gates/gate_list.h"

namespace moe {

struct GateSection {
  KindChoice gate{gate_kinds(), "top_k"};
  void fields(Fields& f) { f("gate", gate, "the gate"); }
  void check(Rules& rules) const { rules.section("gate", gate); }
};

inline KindChoice parse_gate(const std::string& yaml) {
  return parse_config<GateSection>("gate: " + yaml + "\n").gate;
}

// "key: message" of the first rule that a gate breaks over so many experts, or nothing.
inline std::string broken_rule(const std::string& yaml, int64_t experts) {
  Rules rules;
  gate_config(parse_gate(yaml)).check_experts(rules, experts, "gate.");
  return rules.broken().empty() ? "" : rules.broken()[0].key + ": " + rules.broken()[0].message;
}

// Token ids of TestBatch are below this.
constexpr int64_t kTestVocabulary = 7;

// A batch of B x S tokens of width D, and everything a gate or layer wants to know of it.
struct TestBatch {
  Tensor x;  // [T, D]
  ForwardContext context;
  OneRank ranks;

  TestBatch(int64_t B, int64_t S, int64_t D, at::ScalarType dtype, uint64_t seed = 1) {
    x = Initializer(seed, dtype).normal("x", {B * S, D}, 1);
    context.token_ids = at::arange(B * S, at::kLong).remainder(kTestVocabulary).view({B, S});
    context.training = true;
    context.progress = 0.5;
    context.noise.seed = seed;
  }
  GateInput input() const { return {x, context, context.noise, ranks}; }

  // The rows from `first` on, as the rank sees them that has them.
  TestBatch of_rank(int64_t first, int64_t rows) const {
    TestBatch part = *this;
    const int64_t S = context.S();
    part.x = x.narrow(0, first * S, rows * S);
    part.context.token_ids = context.token_ids.narrow(0, first, rows);
    if (context.valid.defined()) {
      part.context.valid = context.valid.narrow(0, first, rows);
    }
    part.context.noise.first_token += first * S;
    part.context.world_tokens = context.B() * S;
    part.context.tokens_before = first * S;
    return part;
  }
};

// Gives every parameter of a gate values of this deviation, so that routing is not uniform.
inline void spread_parameters(torch::nn::Module& module, double std, uint64_t seed = 3) {
  at::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    item.value().copy_(
        Initializer(seed, item.value().scalar_type()).normal(item.key(), item.value().sizes(), std));
  }
}

}  // namespace moe
