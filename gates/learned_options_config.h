// Options that every learned gate has: a member of its config, whose fields stand among its own.
#pragma once

#include "configs/fields.h"

namespace moe {

struct LearnedOptions {
  double jitter = 0;          // training input times U(1 - jitter, 1 + jitter) (Switch, appendix)
  double expert_dropout = 0;  // share of experts left out of a token's choice (gates/learned_options.h)

  void fields(Fields& f);
};

}  // namespace moe
