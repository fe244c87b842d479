// The loop around Trainer::step: rows, validation, checkpoints, and what becomes of bad steps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/open_data.h"
#include "train/init.h"
#include "train/lock_in.h"
#include "train/metrics.h"
#include "train/progress_line.h"
#include "train/report/run_views.h"
#include "train/retention.h"
#include "train/run.h"
#include "train/trainer.h"

namespace moe {

class RunLoop {
 public:
  // `folder` is the run's and locked; `config` and `data` outlive the loop.
  RunLoop(RunConfig& config, const std::string& folder, const Datasets& data, int64_t vocabulary);

  // From the newest good checkpoint, or from the first values, to the last step or an interrupt. Throws
  // UserError.
  RunEnd go(const std::vector<std::string>& command_line);

 private:
  void check_same_text() const;
  void begin_rows();
  Facts model_facts();
  void write_row(const Json& row);
  void step();
  bool pass_over(const std::string& what);
  void roll_back(const std::string& what);
  void log_step(const StepResult& result);
  void validate();
  bool save(bool last);
  template <class Action>
  void or_say_what_is_left(Action action) const;

  RunConfig& config_;
  std::string folder_, yaml_;
  const Datasets& data_;
  int64_t vocabulary_;
  FirstValues first_values_{config_, vocabulary_};
  std::optional<Trainer> trainer_;
  std::optional<MetricsWriter> metrics_;
  std::optional<RunViews> views_;
  Retention retention_;
  LockInWatch lock_in_;
  ProgressLine line_;
  double log_seconds_ = 0, log_tokens_ = 0;  // of training since the last row
  double log_flops_ = 0;                     // progress().flops at the last row
  int64_t saved_step_ = -1;
};

}  // namespace moe
