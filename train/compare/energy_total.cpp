#include "train/compare/energy_total.h"

#include "train/compare/counters.h"

namespace moe {

EnergyFigures energy_total(const RunRecord& run, const Json& row) {
  const auto& energy = run.config.energy;
  return energy_figures(counter_at(run, row, "total_joules"), energy.pue, energy.kg_co2e_per_kwh);
}

}  // namespace moe
