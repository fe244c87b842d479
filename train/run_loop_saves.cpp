// What becomes of the state that a step leaves: it is saved, left out, or gone back from.
#include <algorithm>

#include "train/init.h"
#include "train/log.h"
#include "train/resume.h"
#include "train/run_loop.h"

namespace moe {
namespace {

// The end of every message that ends a run. Every rank asks.
std::string what_is_left(const std::string& folder, const Mesh& mesh) {
  const int64_t step = reached_step(folder, mesh);
  return ". The run stops here; " +
         (step < 0 ? "it has no good checkpoint yet, so that the same command, once the cause is "
                     "mended, begins it anew"
                   : "its newest good checkpoint is that of step " + std::to_string(step) +
                         ", from which the same command goes on once the cause is mended");
}

}  // namespace

// What cannot be written ends the run, but never what was saved.
void RunLoop::or_say_what_is_left(const std::function<void()>& action) {
  try {
    action();
  } catch (const RankFailure&) {
    throw;  // there is nobody to look with
  } catch (const RunError& problem) {
    finish_saving();  // what is being written counts
    RunError whole(problem.what() + what_is_left(folder_, ranks_.mesh));
    whole.elsewhere = problem.elsewhere;
    throw whole;
  }
}

// An error that every rank throws alike: the first one prints it.
RunError RunLoop::everyones(const std::string& text) const {
  RunError error(text);
  error.elsewhere = !first_;
  return error;
}

// Leaves a bad step behind as train.on_nonfinite says. Returns whether the run went back.
bool RunLoop::pass_over(const std::string& what) {
  finish_saving();  // what there is to go back to, or to name
  const auto& bad = trainer_->progress().bad_steps;
  const auto& train = config_.train;
  line_.clear();
  if (train.on_nonfinite == "stop") {
    throw everyones(what + "; train.on_nonfinite is stop" + what_is_left(folder_, ranks_.mesh) +
                     ". With train.on_nonfinite=skip or =rollback it goes on past such steps");
  }
  if (bad.total() > train.bad_steps) {
    throw everyones(what + "; that is one more bad step than the " + std::to_string(train.bad_steps) +
                     " of train.bad_steps (" + bad.text() + ")" + what_is_left(folder_, ranks_.mesh) +
                     ". A lower schedule.lr or optimizer.clip may help; so may a look at these rows");
  }
  if (train.on_nonfinite == "rollback") {
    roll_back(what);
    return true;
  }
  if (const auto name = trainer_->nonfinite_parameter(); !name.empty()) {
    throw everyones(what + "; leaving updates out cannot help, since the values of parameter " + name +
                     " are not finite any more" + what_is_left(folder_, ranks_.mesh) +
                     ". With train.on_nonfinite=rollback it goes on with other rows");
  }
  log_warning(what + "; its update is left out (so far " + bad.text() + "; train.bad_steps is " +
              std::to_string(train.bad_steps) + ")");
  return false;
}

// Back to the newest good checkpoint, or to the first values. What was spent stays counted, and the
// data goes on behind the rows that were drawn since.
void RunLoop::roll_back(const std::string& what) {
  finish_saving();
  trainer_->count_flops();
  count_joules();
  auto spent = trainer_->progress();
  ++spent.bad_steps.rollbacks;
  // Not to what an interrupt saved in between: the run shall end as if it had not been interrupted. Unless
  // that is all there is, and much would be lost.
  const int64_t every = config_.checkpoint.every, bad_step = spent.step;
  const bool found = resume_newest(folder_, *trainer_, every) ||
                     (bad_step > every && resume_newest(folder_, *trainer_));
  if (!found) {
    make_trainer();
    first_values_.load(*trainer_);
  }
  auto& progress = trainer_->progress();
  const int64_t first_row = progress.row;
  spent.step = progress.step;
  spent.bad_steps.recent = progress.bad_steps.recent;
  progress = spent;
  saved_step_ = found ? progress.step : -1;
  begin_rows();
  log_warning(what + "; back to " + (found ? "step " + std::to_string(progress.step) : "the first values") +
              ", and rows " + std::to_string(first_row) + " to " + std::to_string(progress.row - 1) +
              " are left out (so far " + progress.bad_steps.text() + "; train.bad_steps is " +
              std::to_string(config_.train.bad_steps) + ")");
}

// Returns whether the trainer's step is saved, or being saved, now. It is not where the run went back
// instead, or where the disk refused: then training goes on, unless this was the last one.
bool RunLoop::save(bool last) {
  const int64_t step = trainer_->progress().step;
  finish_saving();
  if (step == saved_step_) {
    return true;
  }
  // An update from finite gradients can still overflow. Such a checkpoint would be good for nothing.
  if (!trainer_->nonfinite_parameter().empty()) {
    ++trainer_->progress().bad_steps.nonfinite;
    pass_over("step " + std::to_string(step) + ": its update made parameters overflow, so that "
              "nothing is saved");
    return false;
  }
  saving_step_ = step;
  count_joules();
  if (last) {
    line_.clear();
    or_say_what_is_left([&] {
      saver_->start(*trainer_, yaml_);
      saver_->finish();
    });
    saved_step_ = step;
    return true;
  }
  try {
    saver_->start(*trainer_, yaml_);  // the rest goes on beside training
    return true;
  } catch (const RankFailure&) {
    throw;
  } catch (const RunError& problem) {
    warn_of_failed_save(problem);
    return false;
  }
}

// Waits for what is being written. Whether it succeeded is the same on every rank.
void RunLoop::finish_saving() {
  if (!saver_->busy()) {
    return;
  }
  try {
    saver_->finish();
    saved_step_ = saving_step_;
  } catch (const RankFailure&) {
    throw;
  } catch (const RunError& problem) {
    warn_of_failed_save(problem);
  }
}

void RunLoop::warn_of_failed_save(const RunError& problem) {
  line_.clear();
  log_warning(std::string(problem.what()) + ". Earlier checkpoints are untouched; training goes on and "
              "saves again at step " +
              std::to_string(std::min(saving_step_ + config_.checkpoint.every, config_.train.steps)));
}

}  // namespace moe
