// What every rank is doing, known to all: each writes it into the store about once a second. So a rank
// that waits too long, or whose operation failed, can say for whom and why.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "moe/rank_group.h"
#include "train/launch/rendezvous.h"

namespace moe {

class WatchThread;

// One per process. The store is read and written by a thread of its own alone, through a connection of its
// own: a store that does not answer holds up nobody.
class RanksWatched {
 public:
  // `announces`: a rank that is gone is logged also when nothing has failed here. For NCCL, for which the device
  // waits and not the host, and which then ends this process with an error of its own.
  RanksWatched(const Rendezvous& rendezvous, int64_t rank, int64_t ranks, std::chrono::milliseconds timeout,
               bool announces);
  // Writes that this rank has left. The one that serves the store stays, for a few seconds at most,
  // until the others have left too.
  ~RanksWatched();
  RanksWatched(const RanksWatched&) = delete;
  RanksWatched& operator=(const RanksWatched&) = delete;

  // For a group of `members`, ranks of the world in the order of the group's: only those are waited for.
  static std::shared_ptr<RankWatch> of(std::shared_ptr<RanksWatched> all, std::vector<int64_t> members);

 private:
  friend class GroupWatch;
  std::shared_ptr<WatchThread> thread_;
};

}  // namespace moe
