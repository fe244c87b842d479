#include "train/run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "configs/config_io.h"
#include "data/open_data.h"
#include "data/tokenizer.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/interrupt.h"
#include "train/log.h"
#include "train/metrics.h"
#include "train/progress_line.h"
#include "train/resume.h"
#include "train/trainer.h"

namespace moe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Run {
 public:
  Run(RunConfig& config, std::string folder, const Datasets& data, int64_t vocabulary)
      : config_(config),
        folder_(std::move(folder)),
        yaml_(print_config(view_of(config))),
        data_(data),
        trainer_(config, vocabulary, data.train) {}

  RunEnd go(const std::vector<std::string>& command_line);

 private:
  void check_same_text() const;
  void step();
  void log_step(const StepResult& result);
  void validate();
  void save();

  RunConfig& config_;
  std::string folder_, yaml_;
  const Datasets& data_;
  Trainer trainer_;
  std::optional<MetricsWriter> metrics_;
  ProgressLine line_;
  double log_seconds_ = 0, log_tokens_ = 0;  // of training since the last row
  int64_t saved_step_ = -1;
};

RunEnd Run::go(const std::vector<std::string>& command_line) {
  const auto metrics_path = folder_ + "/metrics.jsonl";
  auto& progress = trainer_.progress();
  if (resume_newest(folder_, trainer_)) {
    if (progress.step >= config_.train.steps) {
      return RunEnd::kAlreadyFinished;
    }
    check_same_text();
    log_info("resuming " + folder_ + " at step " + std::to_string(progress.step));
    saved_step_ = progress.step;
  } else {
    const auto& every = config_.checkpoint.every;
    keep_orphaned_metrics(metrics_path, every > 0 ? std::min(every, config_.train.steps - 1)
                                                  : config_.train.steps - 1);
    progress.train_bytes = data_.train_bytes;
    progress.valid_bytes = data_.valid_bytes;
  }
  write_run_files(folder_, config_, command_line);
  cut_metrics(metrics_path, progress.step);
  metrics_.emplace(metrics_path);

  while (progress.step < config_.train.steps && !interrupted()) {
    step();
  }
  save();
  line_.clear();
  return progress.step >= config_.train.steps ? RunEnd::kFinished : RunEnd::kInterrupted;
}

// Another text under the same name has other windows and another split: rows would be drawn that the
// run has seen as validation, or the other way round.
void Run::check_same_text() const {
  const auto& p = trainer_.progress();
  if (p.train_bytes != data_.train_bytes || p.valid_bytes != data_.valid_bytes) {
    throw RunError(folder_ + ": the run was begun on " + std::to_string(p.train_bytes) +
                   " bytes to train on and " + std::to_string(p.valid_bytes) +
                   " to validate, now there are " + std::to_string(data_.train_bytes) + " and " +
                   std::to_string(data_.valid_bytes) +
                   ": bring the text back, or train anew in another run.dir");
  }
}

void Run::step() {
  auto& progress = trainer_.progress();
  const auto start = Clock::now();
  const double tokens_before = progress.tokens;
  const auto result = trainer_.step();
  const bool logged = progress.step % config_.log.every == 0 || progress.step == config_.train.steps;
  if (logged) {
    result.loss.item<double>();  // so that the time is the step's and not its launch's
  }
  const double seconds = seconds_since(start);
  progress.seconds += seconds;
  log_seconds_ += seconds;
  log_tokens_ += progress.tokens - tokens_before;
  if (logged) {
    log_step(result);
  }
  const auto every = [&](int64_t interval) {
    return progress.step == config_.train.steps || (interval > 0 && progress.step % interval == 0);
  };
  if (every(config_.train.eval_every)) {
    validate();
  }
  if (every(config_.checkpoint.every)) {
    save();  // after the rows of this step, so that a checkpoint implies them
  }
}

void Run::log_step(const StepResult& result) {
  trainer_.count_flops();
  const auto& progress = trainer_.progress();
  const double speed = log_tokens_ / log_seconds_;
  const auto loads = layer_loads(result);
  const auto row = train_row(result, loads, progress, speed);
  metrics_->append(row);
  const double left = static_cast<double>(config_.train.steps - progress.step) *
                      static_cast<double>(config_.train.batch_tokens) / speed;
  line_.show({progress.step, config_.train.steps, row["loss"], speed, left, &loads});
  log_seconds_ = log_tokens_ = 0;
}

void Run::validate() {
  trainer_.count_flops();
  const auto result =
      evaluate(trainer_.model(), *data_.valid, config_.train.eval_tokens,
               config_.rows_per_micro_step(), config_.model.context, trainer_.device());
  metrics_->append(valid_row(result, trainer_.progress()));
  line_.clear();
  char text[96];
  std::snprintf(text, sizeof text, "step %lld: validation loss %.4f, %.4f bits per byte",
                static_cast<long long>(trainer_.progress().step), result.loss,
                result.bits_per_byte());
  log_info(text);
}

void Run::save() {
  const int64_t step = trainer_.progress().step;
  if (step != saved_step_) {
    save_checkpoint(folder_, trainer_, yaml_, config_.checkpoint.keep);
    saved_step_ = step;
  }
}

// What a newcomer wants to know before waiting.
void announce(const RunConfig& config, const std::string& folder, const Datasets& data) {
  const auto& m = config.model;
  std::string text = folder + ": " + std::to_string(m.layers) + " layers of width " +
                     std::to_string(m.d_model);
  if (m.moe) {
    text += ", " + std::to_string(m.moe->experts) + " experts of width " +
            std::to_string(m.moe->expert_width(m.active_width)) + ", gate " + m.moe->gate.kind;
  } else {
    text += ", dense";
  }
  log_info(text + "; " + std::to_string(data.train_bytes) + " bytes to train on, " +
           std::to_string(data.valid_bytes) + " to validate, " +
           std::to_string(at::get_num_threads()) + " threads");
}

}  // namespace

RunEnd run_training(RunConfig config, ResumeMode mode,
                    const std::vector<std::string>& command_line) {
  watch_for_interrupts();
  const auto folder = run_folder(config);
  const bool exists = check_existing_run(folder, config, mode);
  std::unique_ptr<RunLock> lock;
  if (exists) {
    if (!(lock = RunLock::take(folder))) {
      return RunEnd::kElsewhere;
    }
    const int64_t reached = reached_step(folder);
    if (reached > config.train.steps) {
      throw ConfigError("train.steps: expected at least " + std::to_string(reached) +
                        ", which the run in " + folder + " has reached, found " +
                        std::to_string(config.train.steps));
    }
    if (reached == config.train.steps) {
      return RunEnd::kAlreadyFinished;  // without its text, which may be gone by now
    }
  }
  static const int all_cores = at::get_num_threads();  // before anyone sets another number
  at::set_num_threads(config.train.threads > 0 ? static_cast<int>(config.train.threads)
                                               : all_cores);
  choose_device(config.train.device);  // refuses before anything is written
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  const auto data =
      open_data(config.data, config.model.context, static_cast<uint64_t>(config.run.seed));
  if (!lock) {
    if (!(lock = RunLock::take(folder))) {
      return RunEnd::kElsewhere;
    }
    // A run that another process began meanwhile is checked again, now that it cannot change.
    if (check_existing_run(folder, config, mode)) {
      log_info(folder + ": begun meanwhile; going on with it");
    }
  }
  announce(config, folder, data);
  return Run(config, folder, data, tokenizer->vocabulary()).go(command_line);
}

}  // namespace moe
