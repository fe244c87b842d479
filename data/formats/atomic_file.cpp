#include "data/formats/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "configs/errors.h"

namespace moe {

AtomicFile::AtomicFile(const std::string& path, const std::string& name)
    : path_(path), name_(name) {
  // The number steps over what a killed process of the same id left behind.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string temporary =
        path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    file_ = File(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file_.descriptor() >= 0) {
      temporary_ = temporary;
      return;
    }
    if (errno != EEXIST) break;
  }
  throw RunError(name + ": cannot be created: " + error_text(errno));
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) { write_all(file_, bytes, name_); }

void AtomicFile::commit() {
  sync_file(file_, name_);
  file_.close();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw RunError(name_ + ": cannot be put in place: " + error_text(errno));
  }
  temporary_.clear();
  sync_folder(folder_of(path_));
}

}  // namespace moe
