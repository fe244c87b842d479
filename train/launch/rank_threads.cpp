#include "train/launch/rank_threads.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace moe {
namespace {

bool bound_to_some_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 &&
         CPU_COUNT(&allowed) < sysconf(_SC_NPROCESSORS_ONLN);
}

}  // namespace

int rank_threads(int64_t wanted, int cores, const Launch& launch) {
  if (wanted > 0) {
    return static_cast<int>(wanted);
  }
  if (launch.local_ranks == 1 || std::getenv("OMP_NUM_THREADS") || bound_to_some_cores()) {
    return cores;
  }
  return static_cast<int>(std::max<int64_t>(1, cores / launch.local_ranks));
}

}  // namespace moe
