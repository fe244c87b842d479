// What the fuzz targets share: a promise that is broken ends the process, so that libFuzzer keeps
// the input. Exceptions other than those a target expects leave it and do the same.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace moe {

inline std::string text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool holds, const char* promise, const std::string& found = "") {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n%s\n", promise, found.c_str());
  std::abort();
}

// A message is for people: it says something, and is no longer than a screen or two.
inline void require_message(const std::string& message) {
  require(!message.empty() && message.size() < 100'000, "errors have a message", message);
  require(message.find('\0') == std::string::npos, "messages are text", message);
}

// A file in memory that readers open by its path.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "memfd_create works");
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    require(put == static_cast<ssize_t>(bytes.size()), "memory can be written");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace moe
