#include "train/retention.h"

#include <fcntl.h>

#include <filesystem>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "train/checkpoint_files.h"
#include "train/run_folder.h"

namespace moe {
namespace {

// So that reading it back asks the disk and not the system's memory of what was written.
void drop_cached_pages(const std::string& checkpoint) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint, error)) {
    const auto path = entry.path().string();
    ::posix_fadvise(open_regular(path, path).descriptor(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

}  // namespace

std::vector<std::string> Retention::apply(const std::string& run_folder, const std::string& written) {
  good_.erase(written);  // of the same step, before the run went back
  const auto all = list_checkpoints(run_folder);
  if (static_cast<int64_t>(all.size()) <= keep_) {
    return {};
  }
  std::vector<std::string> warnings;
  drop_cached_pages(written);
  int64_t kept = 0;
  for (const auto& [step, folder] : all) {
    if (kept == keep_) {
      std::error_code ignored;  // what cannot be removed is tried again next time
      std::filesystem::remove_all(folder, ignored);
      good_.erase(folder);
      continue;
    }
    const auto problem = good_.count(folder) ? "" : problem_of_checkpoint(folder);
    if (problem.empty()) {
      good_.insert(folder);
      ++kept;
      continue;
    }
    const auto text = folder + ": " + problem + "; set aside as " + set_aside(folder, ".damaged");
    if (folder == written) {
      throw RunError(text + ". It was read back right after it was written, so look at the disk");
    }
    warnings.push_back(text);
  }
  return warnings;
}

}  // namespace moe
