#include "train/energy_config.h"

namespace moe {

void EnergyConfig::fields(Fields& f) {
  f("watts", watts,
    "mean power of one processor while training, where the machine has no counter of its own; 0: not stated",
    at_least(0));
  f("processors", processors, "with `watts`: processors of all ranks together", between(1, 1e9));
  f("pue", pue, "what the building draws over what its machines draw", at_least(1));
  f("kg_co2e_per_kwh", kg_co2e_per_kwh, "carbon intensity of the electricity; 0: not stated", at_least(0));
}

}  // namespace moe
