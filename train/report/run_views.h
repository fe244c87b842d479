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
  // `kept_rows` are those that a resumed run goes on from. `more` as in run_report().
  RunViews(const std::string& folder, const RunConfig& config, const std::vector<Json>& kept_rows,
           const Facts& more);
  void add(const Json& row);
  void write_report() const;

 private:
  void begin_events(const std::vector<Json>& kept_rows);

  std::string folder_;
  const RunConfig& config_;
  Facts more_;
  RunHistory history_;
  std::optional<EventFile> events_;
};

}  // namespace moe
