// A file system of a few megabytes in memory: a disk that a test can fill up and make read-only. It is
// mounted where only this process and its children see it, so that it is gone with them, however they
// end.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace moe {

class SmallDisk {
 public:
  // On `folder`, which it makes. Where that is not allowed (neither root nor user namespaces),
  // problem() says why, and there is no disk.
  SmallDisk(const std::string& folder, int megabytes) : folder_(folder) {
    std::filesystem::create_directories(folder);
    const int spaces = CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
    const auto options = size_option(megabytes);
    if (::unshare(spaces) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("moe-test", folder.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      problem_ = std::string("no file system can be mounted here: ") + std::strerror(errno);
    }
  }
  ~SmallDisk() {
    if (problem_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::string& problem() const { return problem_; }  // empty: all is well
  // Fills it with one file until only `left` bytes are free.
  void fill(uint64_t left) const {
    const auto free = std::filesystem::space(folder_).available;
    const int file = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int error = ::posix_fallocate(file, 0, static_cast<off_t>(free - left));
    ::close(file);
    if (error != 0) throw std::runtime_error(std::string("cannot fill: ") + std::strerror(error));
  }
  void make_room() const { std::filesystem::remove(filler()); }
  void set_read_only(bool read_only) const {
    if (::mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT | (read_only ? MS_RDONLY : 0),
                nullptr) != 0) {
      throw std::runtime_error(std::string("cannot remount: ") + std::strerror(errno));
    }
  }

 private:
  static std::string size_option(int megabytes) { return "size=" + std::to_string(megabytes) + "m"; }
  std::string filler() const { return folder_ + "/filler"; }

  std::string folder_, problem_;
};

}  // namespace moe
