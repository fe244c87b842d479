// SIGINT and SIGTERM ask a run to save and stop after the step it is in.
#pragma once

namespace moe {

// From now on the first such signal is noted; a second one ends the process at once.
void watch_for_interrupts();
bool interrupted();

}  // namespace moe
