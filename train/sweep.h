// A sweep: variants x seeds of one config, each a run of its own. What is finished is skipped, what was
// interrupted goes on, and several processes may work on one sweep: a run is taken by one of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "train/run.h"
#include "train/run_config.h"

namespace moe {

struct SweepRun {
  std::string variant;
  int64_t seed = 0;
  RunConfig config;  // run.name is <stem>-<variant>-s<seed>, run.dir below the sweep's where given
};

// All runs, seeds outermost, so that a sweep that was cut off has whole sets of variants. Every one is
// read with its overrides (train/run_config_file.h), each checkpoint found once; throws UserError naming the
// variant.
std::vector<SweepRun> expand_sweep(const std::string& config_path,
                                   const std::vector<std::string>& overrides);

// With many ranks every rank calls it, and all runs are theirs together; ConfigError where a variant has
// another `parallel` section than `ranks` were started with. Trains what is missing, and ends when every run is finished: runs that another process holds are
// waited for, and taken over should it die. Throws ConfigError before any training when an existing run
// is of another config or `mode` forbids it. A run that fails is reported and the next one begins; at
// the end UserError names them, with the exit code of the first. Returns kInterrupted or kFinished.
RunEnd run_sweep(const std::vector<SweepRun>& runs, ResumeMode mode,
                 const std::vector<std::string>& command_line, const Ranks& ranks = {});

}  // namespace moe
