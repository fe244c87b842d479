// A file system of a few megabytes in memory: a disk that a test can fill up and make read-only. It is
// mounted where only this process and its children see it, so that it is gone with them, however they
// end.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
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
    const auto size = "size=" + std::to_string(megabytes) + "m";
    if (!leave_shared_mounts() || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("moe-test", folder.c_str(), "tmpfs", 0, size.c_str()) != 0) {
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
  static bool write_text(const char* path, const std::string& text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(file);
    return written;
  }
  // Root may. Anyone else may as the root of a name space of users, in which they are who they were:
  // without an entry for them no file could be made.
  static bool leave_shared_mounts() {
    if (::geteuid() == 0) return ::unshare(CLONE_NEWNS) == 0;
    const auto user = std::to_string(::geteuid()), group = std::to_string(::getegid());
    return ::unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0 && write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", user + " " + user + " 1") &&
           write_text("/proc/self/gid_map", group + " " + group + " 1");
  }
  std::string filler() const { return folder_ + "/filler"; }

  std::string folder_, problem_;
};

}  // namespace moe
