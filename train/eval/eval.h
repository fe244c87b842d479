// moe-eval: everything that is measured of a checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "data/formats/json_text.h"
#include "gates/load_metrics.h"
#include "train/eval/score.h"

namespace moe {

struct EvalOptions {
  std::string data;                       // a text file; empty: the run's own validation text
  int64_t tokens = 65536;                 // of every objective's rows, rounded up to whole ones
  std::string denoisers = "ul2r";         // "ul2r", "ul2" or "own"
  int64_t items = 200;                    // pieces of text, at most
  std::vector<std::string> tasks;         // files
  int64_t shots = 0;
  int64_t seed = 1;
  std::string prefix_attention = "auto";  // "auto", "causal" or "bidirectional"
  std::string mode = "auto";              // "auto", "none" or one of mode_words()
  std::set<std::string> skip;             // of eval_parts()

  // Throws ConfigError naming flag, expectation and value.
  void check() const;
};

// What --skip may name: "denoise", "infill", "prefix".
const std::vector<std::string>& eval_parts();

struct CheckpointScores {
  std::string checkpoint;  // folder
  std::string run;         // its run's, or empty
  int64_t step = 0;
  double loss = 0;         // causal, nats per target token
  // What makes two records comparable: the options, "context", the text's and the task files' SHA-256, and with
  // --denoisers own as "own" what those are.
  Json settings;
  // "causal.bits_per_byte", "denoise.<denoiser>.loss", those of train/eval/text_tasks.h and train/eval/task_scores.h.
  Scores scores;
  // By objective ("causal", a denoiser) and layer; empty for a dense model.
  std::map<std::string, std::map<int64_t, LoadMetrics>> load;
  std::vector<std::string> notes;  // what a reader of the figures must know
};

// The checkpoint that `path` names, as find_checkpoint() takes it. A pure function of files and options: the same seed,
// the same figures. Says on the log what it is at. Throws what open_subject(), open_held_out(), read_task() and
// task_scores() throw.
CheckpointScores evaluate_checkpoint(const std::string& path, const EvalOptions& options);

// A line of eval.jsonl: {"step", "checkpoint", "settings", "loss": causal, nats per token, "tasks": {name:
// score_json()}, "load": {objective: [{"layer", "tokens_per_expert", "max_vio", "slots_per_token", "dropped"}]},
// "notes"}; `load` is left out for a dense model.
Json scores_json(const CheckpointScores& scores);

// Appends that line to RUN/eval.jsonl, one process after the other. ConfigError where the checkpoint is in no run's
// folder; the second one asks beforehand, of a path as find_checkpoint() takes it.
void record_scores(const CheckpointScores& scores);
void require_run_of(const std::string& path);

// Tables for a terminal: a row a task, a column a checkpoint; expert load by objective; notes.
std::string scores_text(const std::vector<CheckpointScores>& all);

// continuation_task() of the held-out text that `options` name.
Json made_task(const std::string& path, const EvalOptions& options);

}  // namespace moe
