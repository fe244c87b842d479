// A run from start or checkpoint to its last step: the loop around Trainer::step.
#pragma once

#include <string>
#include <vector>

#include "train/run_config.h"
#include "train/run_folder.h"

namespace moe {

enum class RunEnd {
  kFinished,         // now
  kAlreadyFinished,  // earlier: nothing to do
  kInterrupted,      // saved; the same command resumes
  kElsewhere,        // another process is at it
};

// config.run.name must be set. Throws UserError.
RunEnd run_training(RunConfig config, ResumeMode mode, const std::vector<std::string>& command_line);

}  // namespace moe
