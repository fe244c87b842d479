// What a continued run began with.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "train/began_with.h"

namespace moe {

// `began_with` of the run's environment.json. None where it is not there: a run that began with values of its
// own, or one from before it was noted. Never throws: the file is a note, not the run.
std::optional<BeganWith> read_beginning(const std::string& run_folder);

// Folders of the run that wrote the checkpoint, the likeliest first: as the checkpoint was named, and beside this run,
// where runs have been moved together; a relative name comes second. Empty where a name says no run.
std::vector<std::string> beginning_folders(const BeganWith& began, const std::string& run_folder);

// Where its joules came from ("rapl", "stated"; train/energy/energy_meter.h), with those of the runs that it continues, as
// far as these are found. Empty where nothing says it, or joules are not measured.
std::set<std::string> energy_kinds(const std::string& run_folder);

}  // namespace moe
