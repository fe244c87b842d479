// optimizer.groups: which parameters learn faster, slower or not at all. Names alone, no tensors.
#pragma once

#include <string>
#include <vector>

#include "train/train_config.h"

namespace moe {

// What the optimizer does to one parameter.
struct ParameterRule {
  double lr = 1;            // factor on the schedule's learning rate
  double weight_decay = 0;  // of matrices; vectors have none
  bool freeze = false;      // no gradient, no moments, no update

  friend bool operator==(const ParameterRule&, const ParameterRule&) = default;
};

// The rule of every parameter, in the order of `names`: that of the first group with a pattern that
// fits, else optimizer.weight_decay alone. `gate` is `*.gate.*` and `experts` is `*.experts.*` unless
// the group says otherwise; these two may fit nothing, so that the dense twin is one override away.
// Throws ConfigError for a pattern that fits no name, a group that earlier ones leave nothing to, and
// when everything is frozen.
std::vector<ParameterRule> parameter_rules(const OptimizerConfig& config,
                                           const std::vector<std::string>& names);

}  // namespace moe
