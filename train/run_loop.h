// The loop around Trainer::step: rows and validation (run_loop.cpp), checkpoints and what becomes of bad
// steps (run_loop_saves.cpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "configs/errors.h"
#include "data/open_data.h"
#include "train/energy/energy_meter.h"
#include "train/init.h"
#include "train/lock_in.h"
#include "train/metrics.h"
#include "train/progress_line.h"
#include "train/report/run_views.h"
#include "train/checkpoint_saver.h"
#include "train/run.h"
#include "train/trainer.h"

namespace moe {

class RunLoop {
 public:
  // `folder` is the run's and locked; `config`, `data` and `ranks` outlive the loop.
  RunLoop(RunConfig& config, const std::string& folder, const Datasets& data, int64_t vocabulary,
          const Ranks& ranks);

  // From the newest good checkpoint, or from the first values, to the last step or an interrupt. Throws
  // UserError.
  RunEnd go(const std::vector<std::string>& command_line);

 private:
  void check_same_text() const;
  void begin_rows();
  Facts model_facts();
  void write_row(const Json& row);
  // The next step, and what is due after it. Returns whether any rank has asked to stop.
  bool step();
  void follow(const StepResult& result, bool logged);
  bool pass_over(const std::string& what);
  void roll_back(const std::string& what);
  void log_step(const StepResult& result);
  void count_joules();
  void validate();
  bool save(bool last);
  void finish_saving();
  RunError everyones(const std::string& text) const;
  void warn_of_failed_save(const RunError& problem);
  // Only the first rank writes; what it cannot write ends the run on every rank.
  void write(const std::string& what, const std::function<void()>& action);
  void make_trainer();
  void or_say_what_is_left(const std::function<void()>& action);

  RunConfig& config_;
  std::string folder_, yaml_;
  const Datasets& data_;
  int64_t vocabulary_;
  FirstValues first_values_{config_, vocabulary_};
  std::optional<Trainer> trainer_;
  std::optional<MetricsWriter> metrics_;
  std::optional<RunViews> views_;
  const Ranks& ranks_;
  const bool first_;  // whether this rank writes rows, reports and the progress line
  std::unique_ptr<CheckpointSaver> saver_;
  LockInWatch lock_in_;
  std::optional<EnergyMeter> meter_;  // of steps; validation is left out
  ProgressLine line_;
  double log_seconds_ = 0, log_tokens_ = 0;  // of training since the last row
  int64_t log_steps_ = 0;                    // the same
  double log_flops_ = 0;                     // progress().flops at the last row
  int64_t saved_step_ = -1, saving_step_ = -1;
};

}  // namespace moe
