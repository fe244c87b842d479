// init.from: a new run that begins with the parameters of a checkpoint, its gates kept or swapped.
//
// Step and data position begin anew, and so does the optimizer unless init.optimizer keeps it. What is taken
// over is decided from names and shapes alone, before anything is written, and then said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint.h"
#include "train/run_config.h"
#include "train/trainer.h"

namespace moe {

struct InitPlan : TakenTensors {  // what it gives
  std::string checkpoint;            // its folder
  int64_t step = 0, steps = 0;       // that it was saved at, of how many
  std::vector<std::string> fresh;    // of this model's gates, left at their first values
  std::vector<std::string> ignored;  // of the checkpoint's gates
  std::vector<std::string> remarks;  // keys of the model that differ though all shapes fit
  BeganWith cost;                    // of the checkpoint and what it came from
};

// Verifies the checkpoint that config.init names, and compares it with the model that `config`
// describes, which takes no memory for that. Throws UserError, beginning with "init.from: ": RunError
// where there is none, CheckError where it fails its hashes, ConfigError where it does not fit: every
// tensor with both shapes, the keys in which the models differ, and what to do.
InitPlan plan_init(const RunConfig& config, int64_t vocabulary);

// Copies what it gives into a new trainer of that config, after verifying the checkpoint again; all ranks
// together, each what it holds. Throws CheckError.
void load_init(const InitPlan& plan, Trainer& trainer);

// The beginning of one run, for its loop.
class FirstValues {
 public:
  // `config` outlives it.
  FirstValues(const RunConfig& config, int64_t vocabulary)
      : config_(config), vocabulary_(vocabulary) {}

  // Into a trainer that has just been made; nothing without init.from. Says at first what it takes
  // from where. All ranks together: the first looks, so that all take the same. Later it takes them from the same checkpoint, even if that one's run has gone on. Throws
  // as plan_init() and load_init().
  void load(Trainer& trainer);
  // Of a run that goes on: the checkpoint that it once began with, where that is known.
  void came_from(const std::string& checkpoint) { noted_ = checkpoint; }
  // Where they came from; "" as long as nothing was loaded.
  std::string checkpoint() const { return plan_ ? plan_->checkpoint : ""; }

 private:
  const RunConfig& config_;
  int64_t vocabulary_;
  std::string noted_;
  std::optional<InitPlan> plan_;
};

// What is loaded, initialised and ignored: one line each, layers taken together.
std::vector<std::string> init_lines(const InitPlan& plan);

}  // namespace moe
