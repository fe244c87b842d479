#include "train/energy/carbon.h"

#include <cmath>

namespace moe {

double hours_of(double flops, double flops_per_second_of_one, double processors) {
  return flops / (flops_per_second_of_one * processors) / 3600;
}

double kilowatt_hours(double hours, double processors, double watts, double pue) {
  return hours * processors * watts * pue / 1000;
}

double tonnes_co2e(double kilowatt_hours, double kg_per_kwh) { return kilowatt_hours * kg_per_kwh / 1000; }

EnergyFigures energy_figures(double joules, double pue, double kg_per_kwh) {
  constexpr double kJoulesPerKwh = 3.6e6;
  EnergyFigures figures;
  if (!std::isfinite(joules)) {
    return figures;
  }
  figures.kwh = joules / kJoulesPerKwh * pue;
  if (kg_per_kwh > 0) {
    figures.kg_co2e = *figures.kwh * kg_per_kwh;
  }
  return figures;
}

}  // namespace moe
