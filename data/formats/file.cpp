#include "data/formats/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

constexpr size_t kLargestTransfer = size_t{1} << 30;  // Linux moves at most 2 GiB in one call

std::string kind_text(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// A relative name is most often missing because the program was started elsewhere.
std::string looked_in(const std::string& path) {
  if (path.empty() || path.front() == '/') return "";
  std::error_code ignored;
  return " in " + in_quotes(std::filesystem::current_path(ignored).string());
}

struct stat status_of(const File& file, const std::string& name) {
  struct stat status;
  if (::fstat(file.descriptor(), &status) != 0) {
    throw RunError(name + ": cannot be examined: " + error_text(errno));
  }
  return status;
}

}  // namespace

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.release();
  }
  return *this;
}

void File::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

int File::release() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  return descriptor;
}

std::string error_text(int error_number) { return std::generic_category().message(error_number); }

File open_regular(const std::string& path, const std::string& name) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer. It changes nothing for regular files.
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.descriptor() < 0) {
    if (errno == ENOENT)
      throw RunError(name + ": no such file" + looked_in(path) + "; check the path");
    throw RunError(name + ": cannot be opened: " + error_text(errno));
  }
  const struct stat status = status_of(file, name);
  if (!S_ISREG(status.st_mode)) {
    throw RunError(name + ": expected a regular file, found " + kind_text(status.st_mode));
  }
  return file;
}

int64_t file_size(const File& file, const std::string& name) {
  return status_of(file, name).st_size;
}

void read_at(const File& file, uint64_t offset, void* destination, uint64_t bytes,
             const std::string& name) {
  auto* to = static_cast<char*>(destination);
  while (bytes > 0) {
    const ssize_t got = ::pread(file.descriptor(), to, std::min<uint64_t>(bytes, kLargestTransfer),
                                static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw RunError(name + ": cannot be read: " + error_text(errno));
    if (got == 0) {
      throw RunError(name + ": ends at byte " + std::to_string(offset) + ", expected " +
                     std::to_string(bytes) + " more; it was cut short while being read");
    }
    to += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
}

std::string read_text_file(const std::string& path, uint64_t limit) {
  const std::string name = in_quotes(path);
  const File file = open_regular(path, name);
  const auto size = static_cast<uint64_t>(file_size(file, name));
  if (size > limit) {
    throw RunError(name + ": expected at most " + std::to_string(limit) + " bytes, found " +
                   std::to_string(size));
  }
  std::string text(size, '\0');
  read_at(file, 0, text.data(), size, name);
  return text;
}

void write_all(const File& file, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t put =
        ::write(file.descriptor(), bytes.data(), std::min(bytes.size(), kLargestTransfer));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw RunError(name + ": cannot be written: " + error_text(errno));
    bytes.remove_prefix(static_cast<size_t>(put));
  }
}

void sync_file(const File& file, const std::string& name) {
  if (::fsync(file.descriptor()) != 0) {
    throw RunError(name + ": cannot be written to disk: " + error_text(errno));
  }
}

void sync_folder(const std::string& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.descriptor() < 0) {
    throw RunError(in_quotes(folder) + ": cannot be opened: " + error_text(errno));
  }
  // Some file systems cannot sync a folder and say EINVAL; nothing more can be done there.
  if (::fsync(file.descriptor()) != 0 && errno != EINVAL) {
    throw RunError(in_quotes(folder) + ": cannot be written to disk: " + error_text(errno));
  }
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace moe
