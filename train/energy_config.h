// Section `energy`: what a run's joules come from, and what they become (train/energy/).
#pragma once

#include <cstdint>

#include "configs/fields.h"

namespace moe {

struct EnergyConfig {
  double watts = 0;            // of one processor, where the machine measures nothing; 0: not stated
  int64_t processors = 1;      // of the whole run, that draw so much
  double pue = 1;              // power usage effectiveness: the building's energy over the machines'
  double kg_co2e_per_kwh = 0;  // of the electricity; 0: not stated

  void fields(Fields& f);
};

}  // namespace moe
