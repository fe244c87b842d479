// A run's folder as moe-compare reads it, and which folders a command line means.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/metrics_file.h"
#include "train/compare/beginning.h"
#include "train/compare/eval_record.h"
#include "train/run_config.h"

namespace moe {

using ConfigLeaves = std::vector<std::pair<std::string, std::string>>;  // full key, printed value

struct RunRecord {
  std::string folder;
  std::string name;  // run.name, or the folder's
  RunConfig config;
  // What makes a run with another seed the same experiment: every leaf of the config but the seed, and
  // what may change on resume, train.steps excepted.
  ConfigLeaves identity;
  // Of metrics.jsonl, without what nobody asked for (erase_unasked()); none when the run has only just begun.
  // Every evaluated step has a row too, {step, split: "eval", tasks: {name: value}, the counters of the run's
  // row at that step}, after the run's own of that step.
  std::vector<Json> rows;
  std::map<int64_t, EvalRecord> evals;  // of eval.jsonl, by step; tasks measured as at the last step that has them
  std::optional<BeganWith> began;       // of a continued run, where it says so
  std::set<std::string> energy;         // energy_kinds()
  std::optional<EvalRecord> before;     // what was measured of the checkpoint it began with (read_variants())

  // It took its values from a checkpoint, whether or not it is known what that had cost.
  bool continued() const { return began || config.init.given(); }
  // Of its end; null where its last step has none, or the run is not finished.
  const EvalRecord* final_evals() const;
};

// The run of a folder that holds config.yaml. Throws RunError naming the file: config.yaml that is
// none of a run, metrics.jsonl with a line that is not an object with an integer `step` and a
// `split`.
RunRecord read_run(const std::string& folder);

// The parts of it, for who needs a long run's rows one at a time. They throw as read_run does.
RunConfig read_run_config(const std::string& folder);
void each_run_row(const std::string& folder, const std::function<void(Json& row)>& take);

// The runs' folders that `path` means: itself, or those directly in it, sorted. Throws RunError
// when it is or holds none.
std::vector<std::string> run_folders(const std::string& path);

// All runs of these paths, in order, each once however often it is named.
std::vector<RunRecord> read_runs(const std::vector<std::string>& paths);

}  // namespace moe
