// Where a run goes on from, and what must never be lost on the way.
#pragma once

#include <cstdint>
#include <string>

#include "moe/mesh.h"
#include "train/trainer.h"

namespace moe {

// The step of the newest checkpoint whose hashes hold; -1 where there is none. Changes nothing.
// Ranks share the work, and all get the same.
int64_t reached_step(const std::string& run_folder, const Mesh& mesh = {});

// Goes on from the newest checkpoint whose hashes hold; newer ones, which fail, are set aside as
// *.damaged. Returns whether there was one. With none good everything stays where it is and CheckError
// lists them: had they been moved, the same command would begin anew over what is left of the run.
// All ranks go on from the same one; the first sets aside, and warns. No save may be under way.
// With `every` above 0 only checkpoints of steps that it divides count: those of an undisturbed run.
bool resume_newest(const std::string& run_folder, Trainer& trainer, int64_t every = 0);

// A run that begins anew although its metrics go past `first_save`, the step of its first checkpoint,
// has lost its checkpoints: the metrics are then kept aside, and a warning says so. For the first rank.
void keep_orphaned_metrics(const std::string& path, int64_t first_save);

}  // namespace moe
