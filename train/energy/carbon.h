// From processors and hours to kilowatt hours and carbon dioxide, as Patterson et al. 2021 (arXiv 2104.10350,
// section 2.5 and table 4) count it: machines and building, not their making.
#pragma once

#include <optional>

namespace moe {

// Hours that `processors` take for so many operations at a measured rate of each.
double hours_of(double flops, double flops_per_second_of_one, double processors);

// hours x processors x mean watts of one x PUE / 1000.
double kilowatt_hours(double hours, double processors, double watts, double pue);

// Metric tonnes of CO2 equivalents.
double tonnes_co2e(double kilowatt_hours, double kg_per_kwh);

// What joules of machines come to. Nothing where they are not known, and no carbon where the electricity's
// intensity is not stated (0).
struct EnergyFigures {
  std::optional<double> kwh;  // with the building's share
  std::optional<double> kg_co2e;
};
EnergyFigures energy_figures(double joules, double pue, double kg_per_kwh);  // joules: not a number if unknown

}  // namespace moe
