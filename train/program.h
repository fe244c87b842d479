// What every command shares: errors become messages and exit codes in one place.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace moe {

// What messages call the program: the last part of the path that it was started by.
std::string program_name(char** argv);

// Parses with CLI11 (--help prints and ends with 0, wrong usage ends with 2), then runs `body`, whose
// result is the exit code. Anything thrown is printed on stderr: UserError with its own code, anything
// else with 1.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace moe
