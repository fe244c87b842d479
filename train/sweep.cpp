#include "train/sweep.h"

#include <filesystem>

#include "configs/config_io.h"
#include "train/log.h"

namespace moe {

std::vector<SweepRun> expand_sweep(const std::string& config_path,
                                   const std::vector<std::string>& overrides) {
  const auto base = load_config<RunConfig>(config_path, overrides);
  const std::string stem =
      base.run.name.empty() ? std::filesystem::path(config_path).stem().string() : base.run.name;
  auto seeds = base.sweep.seeds;
  if (seeds.empty()) {
    seeds.push_back(base.run.seed);
  }
  std::vector<SweepRun> runs;
  for (const int64_t seed : seeds) {
    for (const auto& [variant, changes] : base.sweep.variants) {
      auto all = overrides;
      all.insert(all.end(), changes.begin(), changes.end());
      const auto name = stem + "-" + variant + "-s" + std::to_string(seed);
      all.push_back("run.seed=" + std::to_string(seed));
      SweepRun run{variant, seed, {}};
      try {
        run.config = load_config<RunConfig>(config_path, all);
      } catch (const ConfigError& problem) {
        throw ConfigError("sweep variant '" + variant + "':\n" + problem.what());
      }
      run.config.run.name = name;
      if (!base.run.dir.empty()) {
        run.config.run.dir = base.run.dir + "/" + name;
      }
      run.config.sweep = {};  // a run is not a sweep: its config.yaml trains it alone
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

RunEnd run_sweep(const std::vector<SweepRun>& runs, ResumeMode mode,
                 const std::vector<std::string>& command_line) {
  std::string failed;
  bool elsewhere = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto& config = runs[i].config;
    log_info("sweep " + std::to_string(i + 1) + "/" + std::to_string(runs.size()) + ": " +
             config.run.name);
    try {
      switch (run_training(config, mode, command_line)) {
        case RunEnd::kInterrupted: return RunEnd::kInterrupted;
        case RunEnd::kElsewhere:
          log_info(config.run.name + ": another process is at it");
          elsewhere = true;
          break;
        case RunEnd::kAlreadyFinished: log_info(config.run.name + ": finished earlier"); break;
        case RunEnd::kFinished: break;
      }
    } catch (const std::exception& problem) {
      log_error(config.run.name + ": " + problem.what());
      failed += " " + config.run.name;
    }
  }
  if (!failed.empty()) {
    throw RunError("sweep: failed:" + failed + "; the same command tries them again");
  }
  return elsewhere ? RunEnd::kElsewhere : RunEnd::kFinished;
}

}  // namespace moe
