// What GShard's and ST-MoE's top-2 gates have in common: a part of their configs. Of gates/top_2_gate.h.
#pragma once

#include <algorithm>
#include <string>

#include "gates/balance_config.h"
#include "gates/capacity_config.h"
#include "gates/learned_options_config.h"

namespace moe {

struct Top2Options {
  std::string second = "random";
  double second_threshold = 0.5;
  std::string renormalize = "before_drop";
  CapacityOptions capacity;
  LearnedOptions learned;
  BalanceOptions balance;

  Top2Options() { capacity.times_k = false; }
  // One where there is one expert.
  static int64_t slots(int64_t experts) { return std::min<int64_t>(2, experts); }
  void fields(Fields& f);
};

}  // namespace moe
