// A file that appears under its name complete and durable, or not at all: written to a temporary
// sibling, renamed by commit(), removed when dropped without. Safe for several processes at once;
// the last commit wins.
#pragma once

#include <string>
#include <string_view>

#include "data/formats/file.h"

namespace moe {

class AtomicFile {
 public:
  // `name` is what messages call the file. Throws RunError.
  AtomicFile(const std::string& path, const std::string& name);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::string_view bytes);  // throws RunError
  void commit();                       // fsync, rename, fsync of the folder; throws RunError

 private:
  std::string path_;
  std::string name_;
  std::string temporary_;  // empty once renamed
  File file_;
};

// Removes the temporary siblings of `path` that processes left when they were killed. Those that are
// being written, by any process, stay: their writers hold locks, which end with a process.
void remove_abandoned(const std::string& path);

}  // namespace moe
