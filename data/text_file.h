// One file of text, open for reading. A gzip file is unpacked into the cache and read there.
//
// Read with pread and not memory-mapped: a mapped file that someone cuts short ends the program by
// SIGBUS, a read one gives an error with its name. A row costs one system call of about a
// microsecond. A file that is deleted or replaced while it is open can be read on: the old text
// stays until it is closed.
#pragma once

#include <cstdint>
#include <string>

#include "data/formats/file.h"

namespace moe {

// Bytes are data: nothing is decoded.
class TextFile {
 public:
  // `key` is the setting that named it, for messages. `cache` is data.cache. Throws RunError:
  // missing, unreadable, not a regular file, empty, or packed in a way that is not read here.
  TextFile(const std::string& path, const std::string& key, const std::string& cache);

  const std::string& path() const { return path_; }  // as given
  int64_t bytes() const { return bytes_; }           // when it was opened
  // Copies bytes [begin, begin + count), which lie in [0, bytes()); from any thread. Throws
  // RunError: cut short since it was opened, or unreadable.
  void read(int64_t begin, int64_t count, char* to) const;

 private:
  std::string path_, name_;
  File file_;
  int64_t bytes_ = 0;
};

// Raises this process's limit of open files, where it must be, so that `files` more can be opened.
// Throws RunError when the machine does not allow that many.
void allow_open_files(size_t files);

}  // namespace moe
