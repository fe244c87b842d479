// POSIX files for formats: opened so that nothing can hang, and errors that name the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace moe {

// Owns a file descriptor.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() { close(); }
  File(File&& other) noexcept : descriptor_(other.release()) {}
  File& operator=(File&& other) noexcept;
  int descriptor() const { return descriptor_; }
  void close();
  int release();  // the caller owns it now

 private:
  int descriptor_ = -1;
};

// "No space left on device"
std::string error_text(int error_number);

// Opens a regular file for reading. `name` is what messages call it, such as "data.train: 'a.txt'".
// Throws RunError: missing, unreadable, a directory, a FIFO or a device (never waits on one).
File open_regular(const std::string& path, const std::string& name);

int64_t file_size(const File& file, const std::string& name);

// Reads exactly `bytes` at `offset`. Throws RunError, also when the file ends before that.
void read_at(const File& file, uint64_t offset, void* destination, uint64_t bytes,
             const std::string& name);

// The whole of a file of at most `limit` bytes. Throws RunError.
std::string read_text_file(const std::string& path, uint64_t limit);

// Throws RunError (a full disk).
void write_all(const File& file, std::string_view bytes, const std::string& name);
void sync_file(const File& file, const std::string& name);
// Makes names created or renamed in a folder durable.
void sync_folder(const std::string& folder);

// The part before the last '/', or "." where there is none.
std::string folder_of(const std::string& path);

}  // namespace moe
