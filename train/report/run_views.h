// What a run writes beside metrics.jsonl for people to look at: report.html, and TensorBoard's
// event file. Both are made from the rows alone, so either can be lost without harm: a failure to
// write one is a warning, never a failed run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/formats/event_file.h"
#include "train/report/run_history.h"
#include "train/report/run_report.h"

namespace moe {

class RunViews {
 public:
  // From the rows of the folder's metrics.jsonl, which a resumed run goes on from, one at a time.
  // `trained_seconds` is the training up to now. `more` as in run_report().
  RunViews(const std::string& folder, const RunConfig& config, double trained_seconds,
           const Facts& more);
  void add(const Json& row);
  void write_report() const;

 private:
  void begin_events(double start);
  void append_events(const std::string& records);
  template <class Action>
  void or_without_events(Action action);

  std::string folder_;
  const RunConfig& config_;
  Facts more_;
  RunHistory history_;
  std::optional<EventFile> events_;
};

}  // namespace moe
