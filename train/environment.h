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

}  // namespace moe
