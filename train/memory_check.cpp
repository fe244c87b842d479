#include "train/memory_check.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "configs/errors.h"
#include "train/size_config.h"

namespace moe {
namespace {

std::string gibibytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / 0x1p30);
  return text;
}

}  // namespace

int64_t physical_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

void require_memory(const RunConfig& config, int64_t memory, int64_t local_ranks, int64_t ranks) {
  const double least = static_cast<double>(local_ranks) * least_bytes(config, ranks);
  const double available = static_cast<double>(memory);
  if (least <= available) return;
  char parameters[32];
  std::snprintf(parameters, sizeof parameters, "%.3g", least_parameters(config.model));
  throw ConfigError("model: this run needs more than " + gibibytes(least) + " (" + parameters +
                    " parameters with their optimizer, and the inputs of " +
                    std::to_string(config.model.layers) + " layers" +
                    (local_ranks > 1 ? ", on " + std::to_string(local_ranks) + " ranks" : "") +
                    "), and this machine has " +
                    gibibytes(available) +
                    ": choose a smaller model, fewer train.batch_tokens or more "
                    "train.accumulate; --dry-run estimates the whole without allocating it");
}

}  // namespace moe
