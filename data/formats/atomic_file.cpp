#include "data/formats/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "configs/errors.h"

namespace moe {
namespace {

// The lock tells remove_abandoned() that there is a writer. False when it was quicker.
bool lock_new_file(const File& file) {
  ::flock(file.descriptor(), LOCK_EX);  // a file system without locks goes without
  struct stat status;
  return ::fstat(file.descriptor(), &status) == 0 && status.st_nlink > 0;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, const std::string& name)
    : path_(path), name_(name) {
  // The number steps over what a killed process of the same id left behind.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string temporary =
        path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    file_ = File(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file_.descriptor() >= 0 && lock_new_file(file_)) {
      temporary_ = temporary;
      return;
    }
    if (file_.descriptor() < 0 && errno != EEXIST) break;
  }
  throw RunError(name + ": cannot be created: " + error_text(errno));
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) { write_all(file_, bytes, name_); }

void AtomicFile::commit() {
  sync_file(file_, name_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw RunError(name_ + ": cannot be put in place: " + error_text(errno));
  }
  temporary_.clear();
  file_.close();  // and with it the lock, which held until the name was gone
  sync_folder(folder_of(path_));
}

void remove_abandoned(const std::string& path) {
  const std::string prefix = std::filesystem::path(path).filename().string() + ".tmp-";
  std::error_code error;  // what cannot be listed or removed does no harm
  for (const auto& entry : std::filesystem::directory_iterator(folder_of(path), error)) {
    const std::string name = entry.path().filename().string();
    const auto number = name.substr(std::min(name.size(), prefix.size()));
    if (name.compare(0, prefix.size(), prefix) != 0 ||
        number.find_first_not_of("0123456789-") != std::string::npos) {
      continue;
    }
    const File file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (file.descriptor() >= 0 && ::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) {
      ::unlink(entry.path().c_str());
    }
  }
}

}  // namespace moe
