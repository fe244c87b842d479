#include "data/gzip_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "configs/errors.h"
#include "data/formats/atomic_file.h"
#include "data/formats/sha256.h"
#include "data/inflate.h"
#include "data/printable.h"

namespace moe {
namespace {

std::string absolute_setting(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && value[0] == '/' ? value : "";  // relative ones are void, says XDG
}

// /tmp is shared: a folder that someone else put there could feed us any text.
void require_own(const std::string& folder) {
  struct stat status;
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != ::getuid()) {
    throw RunError("cache folder " + in_quotes(folder) +
                   ": expected a folder of this user, found another's; set data.cache");
  }
}

std::string stem_of(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  return stem.substr(0, 100);  // a name has at most 255 bytes
}

std::string cached_name(const File& file, const std::string& path, const std::string& name) {
  struct stat status;
  if (::fstat(file.descriptor(), &status) != 0) {
    throw RunError(name + ": cannot be examined: " + error_text(errno));
  }
  std::error_code ignored;  // a name that cannot be resolved is as good a key as it is
  const auto resolved = std::filesystem::canonical(path, ignored);
  Sha256 key;
  key.update((ignored ? std::filesystem::path(path) : resolved).string());
  key.update(std::string(1, '\0') + std::to_string(status.st_size) + " " +
             std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec));
  return stem_of(path) + "-" + key.hex().substr(0, 16);
}

}  // namespace

bool is_gzip(const File& file, const std::string& name) {
  constexpr uint64_t kMagic = 3;  // two magic bytes and the only method there is, deflate
  if (file_size(file, name) < static_cast<int64_t>(kMagic)) return false;
  unsigned char start[kMagic];
  read_at(file, 0, start, kMagic, name);
  return start[0] == 0x1f && start[1] == 0x8b && start[2] == 8;
}

std::string cache_folder(const std::string& configured) {
  std::string folder = configured;
  bool shared = false;
  if (folder.empty()) {
    if (const auto xdg = absolute_setting("XDG_CACHE_HOME"); !xdg.empty()) {
      folder = xdg + "/moe";
    } else if (const auto home = absolute_setting("HOME"); !home.empty()) {
      folder = home + "/.cache/moe";
    } else {
      folder = "/tmp/moe-cache-" + std::to_string(::getuid());
      shared = true;
    }
  }
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) {
    throw RunError("cache folder " + in_quotes(folder) + ": cannot be created: " + error.message() +
                   "; set data.cache to a folder that can be written");
  }
  if (made) ::chmod(folder.c_str(), 0700);
  if (shared) require_own(folder);
  return folder;
}

std::string unpack_once(const File& file, const std::string& path, const std::string& name,
                        const std::string& cache) {
  const std::string target = cache + "/" + cached_name(file, path, name);
  remove_abandoned(target);
  if (std::filesystem::exists(target)) return target;
  inflate_to(file, name, target);
  return target;
}

}  // namespace moe
