// moe-diagnose: where a run's tokens go, layer by layer, and what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/diagnose/conditions.h"
#include "train/diagnose/findings.h"
#include "train/diagnose/route.h"
#include "train/report/run_history.h"

namespace moe {

struct DiagnoseOptions {
  std::string path;                     // of a run or of a checkpoint
  std::string data;                     // --data
  std::optional<int64_t> tokens;        // --tokens
  std::string against;                  // --against, a checkpoint or a run
  std::optional<int64_t> ranks;         // --ranks
  std::string dump;                     // --dump-routing
  std::vector<Condition> conditions;    // --fail-on
};

struct Diagnosis {
  std::string path;        // the run's or checkpoint's folder
  std::string checkpoint;  // its folder where a model was loaded, else empty: metrics.jsonl was read
  RunConfig config;
  std::string against;  // the reference's checkpoint, or empty
  int64_t against_step = 0;
  std::string text;     // what was routed, in words; empty for metrics.jsonl
  int64_t tokens = 0;   // routed
  int64_t first_step = 0, step = 0;  // the logged steps that were pooled; the checkpoint's
  int64_t rows = 0;     // logged steps that were pooled; 0 for a checkpoint
  int64_t judged = 0;   // the last of them, a tenth but 10 at least, which the findings are about
  double loss = 0;      // nats per target token, over the same text or rows; NaN where none was one
  std::vector<LayerDiagnosis> layers;  // none for a dense model
  std::vector<Finding> findings;
  std::vector<Tripped> failed;  // --fail-on
  RunHistory history;           // of the whole of metrics.jsonl; empty for a checkpoint
};

// A run's folder without --data, --tokens, --against and --dump-routing is read from its metrics.jsonl, the last kPooledRows
// logged steps pooled; else the checkpoint, or the run's newest good one, routes text. Throws
// ConfigError for options that make no sense and for conditions on a dense model; RunError for what
// cannot be read and a run without logged steps; CheckError as find_checkpoint.
Diagnosis diagnose(const DiagnoseOptions& options);

// What a run's rows show. `rows` are all of its metrics.jsonl, or its last.
Diagnosis diagnose_rows(const std::string& folder, const RunConfig& config,
                        const std::vector<Json>& rows);

// The document of --json. A figure that is missing or not finite is null.
//   source       "run" (metrics.jsonl) or "checkpoint" (routed text)
//   path, checkpoint (or null), name (run.name)
//   step, steps  the last step read, or the checkpoint's; those planned
//   rows, judged, first_step  as in Diagnosis; null for a checkpoint
//   loss                      as in Diagnosis
//   against, against_step     the reference's checkpoint and its step; null without --against
//   text, tokens              what was routed and how much; null for metrics.jsonl
//   gate, experts             model.moe.gate.kind and model.moe.experts; null for a dense model
//   layers       a list, see layer_json() in train/diagnose/layer.h
//   findings     a list, see finding_json(): {name, severity, layer, figure, value, threshold,
//                experts, means, try}
//   healthy      whether no finding is a fault or a warning
//   failed       a list of {condition, layer, figure, value}: conditions of --fail-on that hold
Json diagnosis_json(const Diagnosis& diagnosis);

}  // namespace moe
