// Who started this process, and as which of how many ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace moe {

struct Launch {
  std::string source = "none";  // "torchrun", "srun", "Open MPI", "MPICH", or "none": one process alone
  int64_t rank = 0, ranks = 1;
  int64_t local_rank = 0, local_ranks = 1;  // of this machine
  std::string address = "127.0.0.1";        // where the ranks meet
  int64_t port = 0;
  bool agent_store = false;  // torchrun's agent serves the store there already: every rank is a client
  std::string job;           // the launcher's name of this job, the same on every rank; or empty
  std::string error_file;    // where torchrun wants to read why a rank failed; or empty

  bool one_machine() const { return local_ranks == ranks; }
};

// Looks variables up by name; null: not set.
using Environment = std::function<const char*(const char*)>;

// The first of torchrun (RANK), srun (SLURM_PROCID in a step), Open MPI and MPICH whose variables are
// there; else none. `store` (parallel.store): an address is then not needed. ConfigError naming the
// variable for a source that is incomplete or has a value that cannot be.
Launch read_launch(const Environment& environment, const std::string& store = "");
Launch read_launch(const std::string& store = "");  // of this process

}  // namespace moe
