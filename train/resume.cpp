#include "train/resume.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "configs/errors.h"
#include "data/formats/metrics_file.h"
#include "train/agree.h"
#include "train/checkpoint.h"
#include "train/log.h"
#include "train/run_folder.h"

namespace moe {

int64_t reached_step(const std::string& run_folder, const Mesh& mesh) {
  const auto& ranks = *mesh.files;
  for (const auto& [step, checkpoint] : list_checkpoints(run_folder, ranks)) {
    if (problem_of_checkpoint(checkpoint, ranks).empty()) {
      return step;
    }
  }
  return -1;
}

bool resume_newest(const std::string& run_folder, Trainer& trainer, int64_t every) {
  const auto& ranks = *trainer.mesh().files;
  std::vector<std::pair<std::string, std::string>> damaged;  // checkpoint, what is wrong
  for (const auto& [step, checkpoint] : list_checkpoints(run_folder, ranks)) {
    if (every > 0 && step % every != 0) {
      continue;
    }
    try {
      load_checkpoint(checkpoint, trainer);
    } catch (const CheckError& problem) {
      damaged.emplace_back(checkpoint, problem.what());
      continue;
    }
    on_first_rank(ranks, "setting damaged checkpoints aside", [&damaged = damaged] {
      for (const auto& [bad, problem] : damaged) {
        log_warning(problem + "; set aside as " + set_aside(bad, ".damaged"));
      }
      return std::string();
    });
    return true;
  }
  if (damaged.empty()) {
    return false;
  }
  std::string problems;
  for (const auto& [bad, problem] : damaged) {
    problems += "\n  " + problem;
  }
  CheckError none(run_folder + ": no checkpoint is good:" + problems +
                  "\nStart the run anew in another run.dir, or remove the folder.");
  none.elsewhere = !trainer.mesh().first();
  throw none;
}

void keep_orphaned_metrics(const std::string& path, int64_t first_save) {
  if (!std::filesystem::exists(path)) {
    return;
  }
  int64_t last = 0;
  each_row(path, [&last](const Json& row) { last = row.value("step", int64_t{0}); });
  if (last > first_save) {
    log_warning(path + ": there is no checkpoint, so the run begins anew; its former rows "
                       "are kept in " + set_aside(path, ".former"));
  }
}

}  // namespace moe
