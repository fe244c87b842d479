// The energy of all of a run's training.
#pragma once

#include "train/compare/run_record.h"
#include "train/energy/carbon.h"

namespace moe {

// Of total_joules at the row, by what the run's config says of building and electricity.
EnergyFigures energy_total(const RunRecord& run, const Json& row);

}  // namespace moe
