// What a continued run began with.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "train/began_with.h"

namespace moe {

// Folders of the run that wrote the checkpoint, the likeliest first: as the checkpoint was named, and beside this run,
// where runs have been moved together; a relative name comes second. Empty where a name says no run.
std::vector<std::string> beginning_folders(const BeganWith& began, const std::string& run_folder);

// Where its joules came from ("rapl", "stated"; train/energy/energy_meter.h), with those of the runs that it continues, as
// far as these are found. Empty where nothing says it, or joules are not measured.
std::set<std::string> energy_kinds(const std::string& run_folder);

}  // namespace moe
