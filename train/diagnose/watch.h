// moe-diagnose --watch: a run in progress, live.
#pragma once

#include <string>

namespace moe {

// On a terminal a view that is redrawn in place as rows come; elsewhere a line for each row. Waits
// for a run that has not begun. Ends when the run has finished, with its report on stdout, or with q,
// Ctrl-C or SIGTERM. Returns the exit code. Throws RunError for a checkpoint and for files that
// cannot be read.
int watch_run(const std::string& folder);

}  // namespace moe
