// A run from start or checkpoint to its last step: the loop around Trainer::step.
#pragma once

#include <string>
#include <vector>

#include "moe/mesh.h"
#include "train/launch/launch.h"
#include "train/run_config.h"
#include "train/run_folder.h"

namespace moe {

enum class RunEnd {
  kFinished,         // now
  kAlreadyFinished,  // earlier: nothing to do
  kInterrupted,      // saved; the same command resumes
  kElsewhere,        // another process is at it
};

// The processes that train one run together; by default this one alone.
struct Ranks {
  Mesh mesh;
  Launch launch;
};

// config.run.name must be set. Every rank calls it with the same config and gets the same end, or the same
// UserError. The first one writes what there is one of.
RunEnd run_training(RunConfig config, ResumeMode mode, const std::vector<std::string>& command_line,
                    const Ranks& ranks = {});

}  // namespace moe
