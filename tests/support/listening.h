// Where a process listens for connections.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace moe {

constexpr const char* kLoopback = "0100007F";  // 127.0.0.1

// Local addresses at which the process (0: this one) listens: hexadecimal, as in /proc/net/tcp.
inline std::set<std::string> listens_at(pid_t process = 0) {
  const auto place = "/proc/" + (process == 0 ? "self" : std::to_string(process));
  std::set<std::string> inodes, addresses;
  DIR* folder = ::opendir((place + "/fd").c_str());
  if (folder == nullptr) return {"nothing to be read at " + place};
  for (const dirent* entry; (entry = ::readdir(folder)) != nullptr;) {
    char target[64] = "";
    if (::readlinkat(::dirfd(folder), entry->d_name, target, sizeof target - 1) > 0) {
      const std::string text = target;
      if (text.rfind("socket:[", 0) == 0) inodes.insert(text.substr(8, text.size() - 9));
    }
  }
  ::closedir(folder);
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::ifstream file(place + table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state, skipped, inode;
      fields >> number >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) fields >> skipped;
      fields >> inode;
      if (state == "0A" && inodes.contains(inode)) addresses.insert(local.substr(0, local.find(':')));
    }
  }
  return addresses;
}

}  // namespace moe
