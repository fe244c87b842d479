// The commands as functions: a program of one's own that links the library and adds to gate_kinds() and
// gate_makers() has them whole, with its gates (docs/adding_a_gate.md).
#pragma once

namespace moe {

// Each is all of a main(): it parses the arguments, prints, and returns the exit code (docs/design.md).
// Messages begin with the program's own name. A program that was started without the settings that
// libraries read while they are loaded starts itself once more, so call these before anything else that
// prints or takes time.
int train_command(int argc, char** argv);
int generate_command(int argc, char** argv);
int diagnose_command(int argc, char** argv);
int compare_command(int argc, char** argv);
int eval_command(int argc, char** argv);
int bench_command(int argc, char** argv);

}  // namespace moe
