// File names and globs to the list of files they mean.
#pragma once

#include <string>
#include <vector>

namespace moe {

// Pattern by pattern, each one's files in byte order (not the locale's, so that every machine sees
// one order); `~` is the home folder. A name that exists as it is stands for itself, whatever
// characters it has. A file met again, also under another name, is left out: its text would
// otherwise land on both sides of a split. `key` is the setting, for messages.
// Throws RunError: a glob that matches nothing. A plain name is passed on, there or not.
std::vector<std::string> expand_paths(const std::vector<std::string>& patterns,
                                      const std::string& key);

// What one setting names.
struct NamedPaths {
  std::string key;  // "data.sources.wiki.train"
  std::vector<std::string> paths;
};

// Throws RunError when one file is in two lists: validation would be on training text, as it would
// where two sources split one file each in its own way.
void require_disjoint(const std::vector<NamedPaths>& lists);

}  // namespace moe
