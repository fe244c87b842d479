#include "data/expand_paths.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "configs/errors.h"
#include "data/printable.h"

namespace moe {
namespace {

using FileId = std::pair<dev_t, ino_t>;

// False for a name that cannot be examined; opening it will say why.
bool identify(const std::string& path, FileId& id) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return false;
  id = {status.st_dev, status.st_ino};
  return true;
}

bool is_plain_name(const std::string& pattern) {
  FileId ignored;
  return identify(pattern, ignored) ||
         (pattern.front() != '~' && pattern.find_first_of("*?[") == std::string::npos);
}

// A plain name stands for itself, there or not: opening it will say what is wrong with it.
std::vector<std::string> matches(const std::string& pattern, const std::string& key) {
  if (is_plain_name(pattern)) return {pattern};
  glob_t found = {};
  const int state = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_TILDE, nullptr, &found);
  std::vector<std::string> paths;
  if (state == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (paths.empty()) {
    std::error_code ignored;
    throw RunError(
        key + ": " + in_quotes(pattern) + ": expected a glob that matches files, found " +
        (state == 0 || state == GLOB_NOMATCH ? "none" : "that it cannot be expanded") + " from " +
        in_quotes(std::filesystem::current_path(ignored).string()) + "; check the path");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::vector<std::string> expand_paths(const std::vector<std::string>& patterns,
                                      const std::string& key) {
  std::vector<std::string> files;
  std::set<FileId> seen;
  for (const auto& pattern : patterns) {
    if (pattern.empty()) throw RunError(key + ": expected file names or globs, found ''");
    for (const auto& path : matches(pattern, key)) {
      FileId id;
      if (!identify(path, id) || seen.insert(id).second) files.push_back(path);
    }
  }
  return files;
}

void require_disjoint(const std::vector<NamedPaths>& lists) {
  struct Met {
    const NamedPaths* list;
    std::string path;
  };
  std::map<FileId, Met> files;
  for (const NamedPaths& list : lists) {
    for (const auto& path : list.paths) {
      FileId id;
      if (!identify(path, id)) continue;
      const auto [met, is_new] = files.emplace(id, Met{&list, path});
      if (is_new || met->second.list == &list) continue;
      throw RunError(list.key + ": " + in_quotes(path) + " is also in " + met->second.list->key +
                     (met->second.path == path ? "" : " as " + in_quotes(met->second.path)) +
                     "; remove it from one of the two");
    }
  }
}

}  // namespace moe
