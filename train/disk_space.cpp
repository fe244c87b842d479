#include "train/disk_space.h"

#include <sys/statvfs.h>

namespace moe {

std::optional<uint64_t> free_bytes(const std::string& folder) {
  struct statvfs status;
  // Some network and user-space file systems answer with zeros throughout.
  if (::statvfs(folder.c_str(), &status) != 0 || status.f_blocks == 0) {
    return std::nullopt;
  }
  return uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace moe
