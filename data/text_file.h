// One file of text, memory-mapped. A gzip file is unpacked into the cache and mapped there.
#pragma once

#include <cstdint>
#include <string>

namespace moe {

// Bytes are data: nothing is decoded. The mapping is read-only and shared with other processes;
// a file that is cut short while mapped ends the program (SIGBUS), as for any mapping.
class TextFile {
 public:
  // `key` is the setting that named it, for messages. `cache` is data.cache. Throws RunError:
  // missing, unreadable, not a regular file, empty, or packed in a way that is not read here.
  TextFile(const std::string& path, const std::string& key, const std::string& cache);
  ~TextFile();
  TextFile(TextFile&& other) noexcept;
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& path() const { return path_; }  // as given
  const uint8_t* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  std::string path_;
  const uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace moe
