#include "train/compare/run_record.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "configs/config_io.h"
#include "data/printable.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& folder) {
  std::error_code unreadable;
  return fs::exists(folder / "config.yaml", unreadable);
}

bool tells_runs_apart(const std::string& key) {
  for (const std::string free :
       {"run.name", "run.dir", "run.seed", "data.cache", "sweep", "log", "checkpoint"}) {
    if (key == free || key.rfind(free + ".", 0) == 0) {
      return false;
    }
  }
  return true;
}

std::vector<Json> read_rows(const std::string& path) {
  if (!fs::exists(path)) {
    return {};
  }
  auto rows = read_metrics(path);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto step = rows[i].find("step"), split = rows[i].find("split");
    if (step == rows[i].end() || !step->is_number_integer() || split == rows[i].end() ||
        !split->is_string()) {
      throw RunError(in_quotes(path) + ":" + std::to_string(i + 1) +
                     ": expected an integer `step` and a text `split`, found " +
                     in_quotes(rows[i].dump()) + "; leave this run out, or train it again");
    }
  }
  return rows;
}

}  // namespace

RunRecord read_run(const std::string& folder) {
  RunRecord run;
  run.folder = folder;
  const auto path = folder + "/config.yaml";
  try {
    run.config = load_config<RunConfig>(path);
  } catch (const ConfigError& problem) {
    // Not the user's config but a run's own record: a failure, not wrong usage.
    throw RunError(in_quotes(path) +
                   ": expected the config of a run; leave this run out, or train it again:\n" +
                   problem.what());
  }
  run.name = run.config.run.name;
  if (run.name.empty()) {
    run.name = fs::path(folder).filename().string();
  }
  for (auto& leaf : flatten_config(view_of(run.config))) {
    if (tells_runs_apart(leaf.first)) {
      run.identity.push_back(std::move(leaf));
    }
  }
  run.rows = read_rows(folder + "/metrics.jsonl");
  return run;
}

std::vector<std::string> run_folders(const std::string& path) {
  auto trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') {
    trimmed.pop_back();
  }
  if (is_run(trimmed)) {
    return {trimmed};
  }
  std::error_code error;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(trimmed, error)) {
    if (is_run(entry.path())) {
      found.push_back(entry.path().string());
    }
  }
  if (found.empty()) {
    const std::string there = error                        ? error.message()
                              : fs::exists(trimmed, error) ? "neither"
                                                           : "nothing";
    throw RunError(in_quotes(path) +
                   ": expected a run's folder (with config.yaml and metrics.jsonl) or a folder of "
                   "such folders, found " +
                   there + "; runs lie in runs/ unless run.dir said otherwise");
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<RunRecord> read_runs(const std::vector<std::string>& paths) {
  std::vector<RunRecord> runs;
  std::set<fs::path> seen;
  for (const auto& path : paths) {
    for (const auto& folder : run_folders(path)) {
      if (seen.insert(fs::weakly_canonical(folder)).second) {
        runs.push_back(read_run(folder));
      }
    }
  }
  return runs;
}

}  // namespace moe
