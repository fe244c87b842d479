#include "train/compare/run_record.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "configs/config_io.h"
#include "data/printable.h"
#include "train/compare/counters.h"
#include "train/report/row_scalars.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& folder) {
  std::error_code unreadable;
  return fs::exists(folder / "config.yaml", unreadable);
}

// Of the keys with which a run may go on, those that say nothing of what it does: `spike`, `recompute` or a
// layout may be what a sweep compares.
bool tells_runs_apart(const std::string& key) {
  for (const std::string free : {"run.name", "run.dir", "run.seed", "data.cache", "sweep", "log",
                                 "energy", "checkpoint", "train.bad_steps"}) {
    if (key == free || key.rfind(free + ".", 0) == 0) {
      return false;
    }
  }
  return true;
}

// The row of an evaluated step, with what the run had cost by then.
Json eval_row(int64_t step, const EvalRecord& record, const std::vector<Json>& rows) {
  Json row = {{"step", step}, {"split", "eval"}, {"tasks", Json::object()}};
  for (const auto& counted : rows) {
    if (counted.at("step") == step) {
      for (const auto& name : row_counters()) {
        if (const auto value = counted.find(name); value != counted.end()) {
          row[name] = *value;
        }
      }
    }
  }
  for (const auto& [name, task] : record.tasks) {
    row["tasks"][name] = task.value;
  }
  return row;
}

// A course is of one measure: tasks that were measured otherwise than at the last step that has them are left out.
void leave_out_other_measures(std::map<int64_t, EvalRecord>& evals) {
  std::map<std::string, Json> settings;
  for (auto of_step = evals.rbegin(); of_step != evals.rend(); ++of_step) {
    std::erase_if(of_step->second.tasks, [&](const auto& task) {
      return settings.emplace(task.first, task.second.settings).first->second != task.second.settings;
    });
  }
}

}  // namespace

const EvalRecord* RunRecord::final_evals() const {
  const auto last = rows.empty() ? evals.end() : evals.find(rows.back().at("step").get<int64_t>());
  return last == evals.end() || last->first < config.train.steps ? nullptr : &last->second;
}

RunConfig read_run_config(const std::string& folder) {
  const auto path = folder + "/config.yaml";
  try {
    return load_config<RunConfig>(path);
  } catch (const ConfigError& problem) {
    // Not the user's config but a run's own record: a failure, not wrong usage.
    throw RunError(in_quotes(path) +
                   ": expected the config of a run; leave this run out, or train it again:\n" +
                   problem.what());
  }
}

void each_run_row(const std::string& folder, const std::function<void(Json&)>& take) {
  const auto path = folder + "/metrics.jsonl";
  if (!fs::exists(path)) {
    return;
  }
  int64_t line = 0;
  each_row(path, [&](Json& row) {
    ++line;
    const auto step = row.find("step"), split = row.find("split");
    if (step == row.end() || !step->is_number_integer() || split == row.end() ||
        !split->is_string()) {
      throw RunError(in_quotes(path) + ":" + std::to_string(line) +
                     ": expected an integer `step` and a text `split`, found " +
                     in_quotes(row.dump()) + "; leave this run out, or train it again");
    }
    take(row);
  });
}

RunRecord read_run(const std::string& folder) {
  RunRecord run;
  run.folder = folder;
  run.config = read_run_config(folder);
  run.name = run.config.run.name;
  if (run.name.empty()) {
    run.name = fs::path(folder).filename().string();
  }
  for (auto& leaf : flatten_config(view_of(run.config))) {
    if (tells_runs_apart(leaf.first)) {
      run.identity.push_back(std::move(leaf));
    }
  }
  each_run_row(folder, [&run](Json& row) {
    erase_unasked(row);
    run.rows.push_back(std::move(row));
  });
  run.evals = read_evals(folder);
  leave_out_other_measures(run.evals);
  for (const auto& [step, record] : run.evals) {
    const auto after = std::find_if(run.rows.begin(), run.rows.end(),
                                    [step = step](const Json& row) { return row.at("step") > step; });
    run.rows.insert(after, eval_row(step, record, run.rows));
  }
  run.began = read_beginning(folder);
  run.energy = energy_kinds(folder);
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
