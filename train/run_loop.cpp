#include "train/run_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "configs/config_io.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/compare/text.h"
#include "train/evaluate.h"
#include "train/interrupt.h"
#include "train/log.h"
#include "train/resume.h"
#include "train/schedule.h"

namespace moe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string describe(const StepResult& bad) {
  return "step " + std::to_string(bad.step) + " (rows " + std::to_string(bad.first_row) + " to " +
         std::to_string(bad.first_row + bad.rows - 1) + " of the training data): " + bad.problem;
}

}  // namespace

RunLoop::RunLoop(RunConfig& config, const std::string& folder, const Datasets& data,
                 int64_t vocabulary, const Ranks& ranks)
    : config_(config),
      folder_(folder),
      yaml_(print_config(view_of(config))),
      data_(data),
      vocabulary_(vocabulary),
      ranks_(ranks),
      first_(ranks.mesh.first()),
      saver_(std::make_unique<CheckpointSaver>(folder, ranks.mesh, config.checkpoint.keep)),
      lock_in_(config) {
  make_trainer();
  const auto device = trainer_->device();
  meter_.emplace(config.energy,
                 EnergyShare{ranks.launch.local_rank == 0, first_, device.is_cuda() ? device.index() : -1});
  if (on_any_rank(*ranks.mesh.control, "what counts energy", !meter_->measures())) {
    meter_->leave_counters();  // a sum is of one kind
  }
}

void RunLoop::make_trainer() {
  trainer_.emplace(config_, vocabulary_, data_.train, ranks_.mesh, ranks_.launch.local_rank);
}

RunEnd RunLoop::go(const std::vector<std::string>& command_line) {
  const auto metrics_path = folder_ + "/metrics.jsonl";
  auto& progress = trainer_->progress();
  auto energy = meter_->source();
  if (resume_newest(folder_, *trainer_)) {
    if (progress.step >= config_.train.steps) {
      return RunEnd::kAlreadyFinished;
    }
    check_same_text();
    first_values_.came_from(noted_beginning(folder_));
    log_info("resuming " + folder_ + " at step " + std::to_string(progress.step));
    saved_step_ = progress.step;
    if (std::isfinite(progress.joules)) {
      energy = energy_over_starts(folder_, energy);
    }
  } else {
    // Started again before its first checkpoint, with what it began with, as long as that is there.
    if (const auto noted = noted_beginning(folder_); std::filesystem::exists(noted + "/manifest.json")) {
      first_values_.came_from(noted);
    }
    first_values_.load(*trainer_);
    const int64_t every = config_.checkpoint.every, last = std::max<int64_t>(0, config_.train.steps - 1);
    write("the rows of a run before", [&] {
      keep_orphaned_metrics(metrics_path, every > 0 ? std::min(every, last) : last);
      cut_metrics(metrics_path, -1);
    });
    progress.joules = meter_->known() ? 0 : progress.joules;
    progress.train_bytes = data_.train_bytes;
    progress.valid_bytes = data_.valid_bytes;
  }
  write("the files of the run", [&] {
    write_run_files(folder_, config_, command_line, {energy, "", progress.began_with});
  });
  log_flops_ = progress.flops;
  begin_rows();
  if (progress.step == 0 && saved_step_ < 0 && (config_.init.given() || config_.train.steps == 0)) {
    validate();  // what the run begins with is the "before" of every comparison
  }

  const auto report = [&] {
    line_.clear();
    if (views_) {
      views_->write_report();
    }
  };
  bool stop = on_any_rank(*ranks_.mesh.control, "an interrupt", interrupted());
  try {
    do {
      while (progress.step < config_.train.steps && !stop) {
        stop = step();
      }
    } while (!save(true) && !stop);
  } catch (const RankFailure&) {
    (void)saver_.release();  // its thread may wait for the rank that is gone; this process ends now
    throw;
  } catch (...) {
    report();  // the rows up to an error are those to look at
    throw;
  }
  report();
  return progress.step >= config_.train.steps ? RunEnd::kFinished : RunEnd::kInterrupted;
}

void RunLoop::write(const std::string& what, const std::function<void()>& action) {
  or_say_what_is_left([&] {
    on_first_rank(*ranks_.mesh.control, what, [&] {
      action();
      return std::string();
    });
  });
}

// Rows past the trainer's step are of a past that is left behind.
void RunLoop::begin_rows() {
  const auto path = folder_ + "/metrics.jsonl";
  metrics_.reset();
  write("the rows so far", [&] {
    cut_metrics(path, trainer_->progress().step);
    metrics_.emplace(path);
    views_.emplace(folder_, config_, trainer_->progress().seconds, model_facts());
  });
}

// Another text under the same name has other windows and another split: rows would be drawn that the
// run has seen as validation, or the other way round.
void RunLoop::check_same_text() const {
  const auto& p = trainer_->progress();
  on_first_rank(*ranks_.mesh.control, "the size of the text", [&] {
    if (p.train_bytes != data_.train_bytes || p.valid_bytes != data_.valid_bytes) {
      throw RunError(folder_ + ": the run was begun on " + std::to_string(p.train_bytes) +
                     " bytes to train on and " + std::to_string(p.valid_bytes) +
                     " to validate, now there are " + std::to_string(data_.train_bytes) + " and " +
                     std::to_string(data_.valid_bytes) +
                     ": bring the text back, or train anew in another run.dir");
    }
    return std::string();
  });
}

Facts RunLoop::model_facts() {
  // On the meta device: this rank may hold a share of the experts alone.
  const auto whole =
      build_model(config_.model, vocabulary_, Initializer(0, at::kFloat, at::kMeta));
  const auto count = count_parameters(config_.model, *whole.decoder);
  return {{"parameters", short_number(static_cast<double>(count.total))},
          {"active parameters", short_number(static_cast<double>(count.active))}};
}

// The record first: what people look at is made from it.
void RunLoop::write_row(const Json& row) {
  write("a row of metrics.jsonl", [&] { metrics_->append(row); });
  if (first_) {
    views_->add(row);
  }
}

bool RunLoop::step() {
  auto& progress = trainer_->progress();
  if (const auto watch = ranks_.mesh.world->watch()) {
    watch->now_at("step " + std::to_string(progress.step + 1));
  }
  meter_->start();
  const auto start = Clock::now();
  const double tokens_before = progress.tokens;
  const auto result = trainer_->step(interrupted());
  const bool logged = progress.step % config_.log.every == 0 || progress.step == config_.train.steps;
  if (logged) {
    result.loss.item<double>();  // so that the time is the step's and not its launch's
  }
  const double seconds = seconds_since(start);
  meter_->stop(seconds);
  progress.seconds += seconds;
  log_seconds_ += seconds;
  log_tokens_ += progress.tokens - tokens_before;
  ++log_steps_;
  if (saver_->done()) {
    finish_saving();
  }
  if (result.verdict == Verdict::kGood || !pass_over(describe(result))) {
    follow(result, logged);
  }
  return result.stop;
}

void RunLoop::follow(const StepResult& result, bool logged) {
  const int64_t step = trainer_->progress().step;
  if (logged) {
    log_step(result);
  }
  const auto every = [&](int64_t interval) { return interval > 0 && step % interval == 0; };
  const bool last = step == config_.train.steps;
  if (every(config_.train.eval_every) || last) {
    validate();
  }
  if (every(config_.checkpoint.every) && !last) {
    save(false);  // after the rows of this step, so that a checkpoint implies them
  }
}

// Of all ranks, so that every one has the same.
void RunLoop::count_joules() {
  const auto joules = at::full({1}, meter_->take(), at::kDouble);
  if (!ranks_.mesh.alone()) {
    ranks_.mesh.control->sum(joules, "the joules so far").wait();
  }
  trainer_->progress().joules += joules.item<double>();
}

void RunLoop::log_step(const StepResult& result) {
  trainer_->count_flops();
  count_joules();
  const auto& progress = trainer_->progress();
  StepRates rates;
  rates.tokens_per_second = log_tokens_ / log_seconds_;
  rates.tflops = (progress.flops - log_flops_) / log_seconds_ / 1e12;
  if (config_.log.peak_tflops > 0) {
    rates.mfu = rates.tflops / config_.log.peak_tflops;
  }
  const auto loads = layer_loads(result);
  const auto row = train_row(result, loads, progress, rates);
  write_row(row);
  const double step_seconds = log_seconds_ / static_cast<double>(log_steps_);
  log_seconds_ = log_tokens_ = 0;
  log_steps_ = 0;
  log_flops_ = progress.flops;
  if (!first_) {
    return;
  }
  for (const auto& sentence : lock_in_.news(row)) {
    line_.clear();
    log_warning(sentence);
  }
  const double left = static_cast<double>(config_.train.steps - progress.step) * step_seconds;
  line_.show({progress.step, config_.train.steps, row["loss"], rates.tokens_per_second, rates.tflops,
              rates.mfu, left, &loads, row["peak_memory"]});
}

void RunLoop::validate() {
  trainer_->count_flops();
  count_joules();
  const auto result =
      evaluate(trainer_->model(), data_.valid, config_.train.eval_tokens,
               config_.rows_per_micro_step(), config_.model.context, trainer_->device(),
               share_done(trainer_->progress().step, config_.train.steps), ranks_.mesh);
  write_row(valid_row(result, trainer_->progress()));
  if (!first_) {
    return;
  }
  line_.clear();
  views_->write_report();
  log_info("step " + std::to_string(trainer_->progress().step) + ": " + result.text());
}

}  // namespace moe
