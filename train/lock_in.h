// While a run goes on: says once of every layer that its gate has locked in, which no more training mends.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/run_config.h"

namespace moe {

class LockInWatch {
 public:
  explicit LockInWatch(const RunConfig& config) : config_(config) {}

  // A sentence for each layer of this training row that moe-diagnose calls locked_in (all bits decided
  // while the load is bad), and that has not been named before.
  std::vector<std::string> news(const Json& row);

 private:
  const RunConfig& config_;
  std::set<int64_t> named_;
};

}  // namespace moe
