// A coefficient that grows over a run: a pure function of the share of the run that is done.
#pragma once

#include <string>

#include "configs/fields.h"

namespace moe {

struct Ramp {
  double value = 0;  // once the ramp is over
  double from = 0;   // shares of the run between which it grows from 0
  double until = 0;

  // The coefficient at this share of the run, in [0, 1]: linear in between; with from == until a step.
  double at(double progress) const;
  // The keys `name`, `name`_from and `name`_until.
  void fields(Fields& f, const std::string& name, const std::string& help);
  void check(Rules& rules, const std::string& name) const;
};

// Where a schedule from `from` to `until` has got to: 0 before, 1 from `until` on.
double ramp_share(double progress, double from, double until);

// The rule that `name`_from is not after `name`_until.
void check_ramp(Rules& rules, const std::string& name, double from, double until);

}  // namespace moe
