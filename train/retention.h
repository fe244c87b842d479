// Which checkpoints stay. A good one goes only after newer good ones have been read back from the
// disk: what was handed to the system without an error need not be there (firmware, a network file
// system, a bit that fell over on the way).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace moe {

class Retention {
 public:
  // `keep`, at least 1: how many good checkpoints stay.
  explicit Retention(int64_t keep) : keep_(keep) {}

  // To be called after `written`, a checkpoint of the run, was saved. Does nothing while there are
  // `keep` or fewer. Else removes what is older than the `keep` newest good ones; a good one is one
  // that this object has read back, each of them once. One that fails its hashes is set aside as
  // *.damaged, and the sentences that say so are returned: whoever calls may be beside the log's thread.
  // When that is `written` itself, nothing is removed and RunError says so.
  std::vector<std::string> apply(const std::string& run_folder, const std::string& written);

 private:
  int64_t keep_;
  std::set<std::string> good_;  // folders
};

}  // namespace moe
