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

// `least` bytes, for `what`.
void require(const RunConfig& config, double least, int64_t memory, const std::string& what) {
  const double available = static_cast<double>(memory);
  if (least <= available) return;
  char parameters[32];
  std::snprintf(parameters, sizeof parameters, "%.3g", least_parameters(config.model));
  throw ConfigError("model: " + what + " needs more than " + gibibytes(least) + " (" + parameters +
                    " parameters with their optimizer, and the inputs of " +
                    std::to_string(config.model.layers) + " layers), and this machine has " +
                    gibibytes(available) +
                    ": choose a smaller model, fewer train.batch_tokens or more "
                    "train.accumulate; --dry-run estimates the whole without allocating it");
}

std::string on_ranks(int64_t local_ranks) {
  return local_ranks > 1 ? " on " + std::to_string(local_ranks) + " ranks here" : "";
}

}  // namespace

int64_t physical_memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

void require_memory(const RunConfig& config, int64_t memory, int64_t local_ranks, int64_t ranks) {
  require(config, static_cast<double>(local_ranks) * least_bytes(config, ranks), memory,
          "this run" + on_ranks(local_ranks));
}

void require_memory_of_check(const RunConfig& config, int64_t memory, int64_t local_ranks, int64_t ranks) {
  require(config,
          static_cast<double>(local_ranks) * (least_bytes(config, ranks) + least_bytes(config, 1)),
          memory, "--verify-layout" + on_ranks(local_ranks) + ", each with the whole model besides its part,");
}

}  // namespace moe
