// What a run was made with, for environment.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/began_with.h"

namespace moe {

// What is not to be read from the machine.
struct EnvironmentNotes {
  std::string energy;                   // where joules come from (train/energy/energy_meter.h), with_energy_source(); or empty
  std::string checkpoint;               // that the run began with; or empty
  std::optional<BeganWith> began_with;  // the same with what it had cost, where that is known
};

// JSON: versions, commit of the sources, processor, devices, threads, command line and the notes: `energy`,
// `init.checkpoint` and `began_with`, each where there is one.
std::string describe_environment(const std::vector<std::string>& command_line, const EnvironmentNotes& notes);

// A run's environment.json, of at most 1 MiB. Throws where it is missing or no JSON object.
Json read_environment(const std::string& run_folder);

// `source` after what an earlier start of the same run has noted: "rapl, then stated", or `noted` where that has it.
std::string with_energy_source(const std::string& noted, const std::string& source);
// What such a note names: {"rapl", "stated"}.
std::vector<std::string> energy_sources(const std::string& noted);

// The highest resident set of this process so far, bytes (VmHWM).
int64_t peak_memory_bytes();

// Settings that libraries read from the environment while they are loaded, so this starts the program
// anew, once, with those that the user has not set. Call before anything else in main().
//   OMP_WAIT_POLICY=PASSIVE: threads that wait for work sleep instead of spinning. With a busy
//     neighbour on the machine a step is several times faster, alone it costs next to nothing
//     (docs/results.md).
//   TCMALLOC_RELEASE_RATE=0: memory that a step frees is kept: asking the system again costs page
//     faults, which slow a CPU step by a tenth to a third.
//   ONEDNN_PRIMITIVE_CACHE_CAPACITY=64: oneDNN keeps code for every shape it has met, 1024 of them by
//     default, and under changing expert loads every product has a shape of its own.
void restart_with_settings(char** argv);

}  // namespace moe
