// What a run was made with, for environment.json.
#pragma once

#include <string>
#include <vector>

namespace moe {

// JSON: versions, commit of the sources, processor, devices, threads, command line.
std::string describe_environment(const std::vector<std::string>& command_line);

// The highest resident set of this process so far, bytes (VmHWM).
int64_t peak_memory_bytes();

// Keeps memory that a step frees instead of returning it to the system: asking again costs page
// faults, which slow a CPU step by a tenth to a third. Call first thing in main().
void keep_freed_memory();

// Threads that wait for work sleep instead of spinning: with a busy neighbour on the machine a step is
// several times faster, alone it costs next to nothing (docs/results.md). The OpenMP runtime reads its
// settings while it is loaded, so this starts the program anew, once, with OMP_WAIT_POLICY set. A
// policy that the user has set stays. Call before anything else in main().
void wait_without_spinning(char** argv);

}  // namespace moe
