// Options of gates whose experts take a limited number of tokens: a member of a gate's config, whose
// fields stand among its own. Used through gates/top_k_choice.h.
#pragma once

#include <string>

#include "configs/fields.h"

namespace moe {

struct CapacityOptions {
  double factor = 0;               // 0: dropless
  int64_t group_tokens = 0;        // 0: the micro-step's, over all ranks, are one group
  std::string order = "token";
  // No keys, but what a gate is: whether the formula has a k, and the factor whose loss evaluation only
  // shows (0: none).
  bool times_k = true;
  double eval_factor = 0;

  bool causal() const { return factor == 0 || order == "token"; }
  // What about() says of them.
  static std::string looks_ahead() { return "capacity_order: choice or priority"; }
  void fields(Fields& f);
};

}  // namespace moe
