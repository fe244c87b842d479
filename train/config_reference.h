// docs/config.md: every key of a run's config, generated, so that it cannot go stale.
#pragma once

#include <string>

namespace moe {

// The whole file, as `moe-train --help-config --markdown` prints it.
std::string config_reference();

}  // namespace moe
