#include "train/checkpoint_files.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>

#include "data/formats/manifest.h"
#include "train/agree.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

// The ranks that a file's name speaks of, "model-00001-of-00004.safetensors"; 0 where it is no such name.
int64_t ranks_in(const std::string& name) {
  const size_t number = name.find('-'), of = name.find("-of-");
  for (const char* kind : {kModelFiles, kOptimizerFiles}) {
    if (of == std::string::npos || name.substr(0, number) != kind) {
      continue;
    }
    const auto rank = name.substr(number + 1, 5), ranks = name.substr(of + 4, 5);
    if ((rank + ranks).find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const int64_t r = std::atoll(rank.c_str()) - 1, all = std::atoll(ranks.c_str());
    if (all > 1 && all <= kMostRanks && r >= 0 && r < all && name == rank_file(kind, r, all)) {
      return all;
    }
  }
  return 0;
}

// How many ranks wrote the files: the first name that says it, or one.
int64_t ranks_of(const Manifest& manifest) {
  for (const auto& [name, file] : manifest) {
    for (const char* kind : {kModelFiles, kOptimizerFiles}) {
      if (name == rank_file(kind, 0, 1)) {
        return 1;
      }
    }
  }
  for (const auto& [name, file] : manifest) {
    if (const int64_t ranks = ranks_in(name); ranks > 0) {
      return ranks;
    }
  }
  return 1;
}

// state.json and one complete set of each kind, of the same number of ranks.
std::set<std::string> names_of_checkpoint(const Manifest& manifest) {
  std::set<std::string> names = {"state.json"};
  const int64_t ranks = ranks_of(manifest);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    names.insert(rank_file(kModelFiles, rank, ranks));
    names.insert(rank_file(kOptimizerFiles, rank, ranks));
  }
  return names;
}

// The step of a checkpoint's name, "step-00000100"; -1 of any other.
int64_t step_in(const std::string& name) {
  const auto digits = name.rfind("step-", 0) == 0 ? name.substr(5) : std::string();
  const bool good = !digits.empty() && digits.size() < 19 &&
                    digits.find_first_not_of("0123456789") == std::string::npos;
  return good ? std::stoll(digits) : -1;
}

std::string all_checkpoints(const std::string& run_folder) { return run_folder + "/checkpoints"; }

}  // namespace

std::string rank_file(const std::string& kind, int64_t rank, int64_t ranks) {
  TORCH_CHECK(rank >= 0 && rank < ranks && ranks <= kMostRanks, "rank ", rank, " of ", ranks,
              ": a checkpoint is written by at most ", kMostRanks, " ranks");
  char number[32] = "";
  if (ranks > 1) {
    std::snprintf(number, sizeof number, "-%05lld-of-%05lld", static_cast<long long>(rank + 1),
                  static_cast<long long>(ranks));
  }
  return kind + number + ".safetensors";
}

SafetensorsSet open_files(const std::string& folder, const std::string& kind) {
  const int64_t ranks = ranks_of(read_manifest(folder));
  std::vector<std::string> paths;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    paths.push_back(folder + "/" + rank_file(kind, rank, ranks));
  }
  auto name = paths.front();
  if (ranks > 1) {  // of them all: model-*-of-00004.safetensors
    name.replace(name.rfind("-00001-of-"), 6, "-*");
  }
  return SafetensorsSet(name, paths);
}

std::string checkpoint_folder(const std::string& run_folder, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return all_checkpoints(run_folder) + "/" + name;
}

std::string problem_of_checkpoint(const std::string& folder) {
  return verify_manifest(folder, names_of_checkpoint);
}

std::string problem_of_checkpoint(const std::string& folder, const RankGroup& ranks) {
  if (ranks.alone()) {
    return problem_of_checkpoint(folder);
  }
  const auto mine = verify_manifest(folder, names_of_checkpoint, {ranks.rank(), ranks.size()});
  const auto problems = gather_texts(ranks, mine, "checking " + folder);
  for (size_t rank = 0; rank < problems.size(); ++rank) {
    if (!problems[rank].empty()) {
      return "rank " + std::to_string(rank) + ": " + problems[rank];
    }
  }
  return "";
}

Checkpoints list_checkpoints(const std::string& run_folder) {
  Checkpoints found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(all_checkpoints(run_folder), error)) {
    if (const int64_t step = step_in(entry.path().filename()); step >= 0) {
      found.emplace_back(step, entry.path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

Checkpoints list_checkpoints(const std::string& run_folder, const RankGroup& ranks) {
  const auto names = on_first_rank(ranks, "listing checkpoints", [&] {
    std::string lines;
    for (const auto& [step, folder] : list_checkpoints(run_folder)) {
      lines += fs::path(folder).filename().string() + "\n";
    }
    return lines;
  });
  Checkpoints found;
  std::istringstream lines(names);
  for (std::string name; std::getline(lines, name);) {
    found.emplace_back(step_in(name), all_checkpoints(run_folder) + "/" + name);
  }
  return found;
}

}  // namespace moe
