// moe-diagnose --fail-on: conditions on the figures of any layer.
#pragma once

#include <string>
#include <vector>

#include "train/diagnose/layer.h"

namespace moe {

struct Condition {
  std::string text;    // as given, without spaces around it
  std::string figure;  // what figures_called() is asked for
  std::string comparison;  // > >= < <= == !=
  double limit = 0;
  size_t place = 1;  // of its first character in the list, from 1
};

// 'dead_experts>0, max_vio > 2'. Throws ConfigError with the place and what was expected there.
std::vector<Condition> parse_conditions(const std::string& list);

// Where a condition holds: {condition, the figure's full name, layer, value}, in the order of conditions
// and layers. A figure that is not a number holds too: it must not pass a check. Throws ConfigError,
// with those that there are, for a figure that none of the layers has.
struct Tripped {
  std::string condition, figure;
  int64_t layer = 0;
  double value = 0;
};
std::vector<Tripped> tripped(const std::vector<Condition>& conditions,
                             const std::vector<LayerDiagnosis>& layers);

// "max_vio>2: layer 1 has max_vio 2.41".
std::string tripped_text(const Tripped& tripped);

}  // namespace moe
