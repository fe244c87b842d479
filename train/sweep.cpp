#include "train/sweep.h"

#include <c10/util/Exception.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "configs/config_io.h"
#include "train/agree.h"
#include "train/interrupt.h"
#include "train/log.h"
#include "train/run_config_file.h"

namespace moe {

std::vector<SweepRun> expand_sweep(const std::string& config_path,
                                   const std::vector<std::string>& overrides) {
  RunConfigFile file(config_path);
  const auto base = file.load(overrides);
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
        run.config = file.load(all, RunSection{name, base.run.dir.empty() ? "" : base.run.dir + "/" + name, seed});
      } catch (const ConfigError& problem) {
        throw ConfigError("sweep variant '" + variant + "':\n" + problem.what());
      } catch (const UserError& problem) {
        throw UserError(problem.exit_code(), "sweep variant '" + variant + "':\n" + problem.what());
      }
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

namespace {

constexpr auto kRetry = std::chrono::seconds(3);  // for runs that another process holds

// What went wrong in a sweep that went on.
struct Failures {
  std::string names;
  ExitCode code = kFailed;
  void add(const std::string& name, const UserError& problem) {
    add(name, problem.what(), problem.exit_code(), problem.elsewhere);
  }
  void add(const std::string& name, const std::string& message, ExitCode its_code, bool elsewhere = false) {
    if (!elsewhere) {
      log_error(name + ": " + message);
    }
    if (names.empty()) {
      code = its_code;
    }
    names += " " + name;
  }
};

// The ranks are started once, for all runs.
void require_one_layout(const SweepRun& run, const SweepRun& other) {
  const auto layout = [](RunConfig config) {
    std::string text;
    for (const auto& [key, value] : flatten_config(view_of(config))) {
      text += key.rfind("parallel.", 0) == 0 ? key + "=" + value + "\n" : "";
    }
    return text;
  };
  if (layout(run.config) != layout(other.config)) {
    throw ConfigError("sweep variant '" + run.variant +
                      "': expected the same `parallel` section as variant '" + other.variant +
                      "': ranks are laid out once for a whole sweep; give layouts sweeps of their own");
  }
}

}  // namespace

RunEnd run_sweep(const std::vector<SweepRun>& runs, ResumeMode mode,
                 const std::vector<std::string>& command_line, const Ranks& ranks) {
  const auto& control = *ranks.mesh.control;
  on_first_rank(control, "a look at the runs of the sweep", [&] {
    for (auto run : runs) {
      check_existing_run(run_folder(run.config), run.config, mode);
      require_one_layout(run, runs.front());
    }
    return std::string();
  });
  Failures failures;
  std::set<std::string> held;  // said already
  std::vector<const SweepRun*> todo;
  for (const auto& run : runs) {
    todo.push_back(&run);
  }
  while (!todo.empty()) {
    std::vector<const SweepRun*> elsewhere;
    for (const auto* run : todo) {
      const auto& name = run->config.run.name;
      if (!held.count(name)) {
        log_info("sweep " + std::to_string(run - runs.data() + 1) + "/" +
                 std::to_string(runs.size()) + ": " + name);
      }
      try {
        const auto end = run_training(run->config, mode, command_line, ranks);
        if (end == RunEnd::kInterrupted || on_any_rank(control, "an interrupt", interrupted())) {
          return RunEnd::kInterrupted;
        }
        if (end == RunEnd::kElsewhere) {
          elsewhere.push_back(run);
          if (held.insert(name).second) {
            log_info(name + ": another process is at it");
          }
        } else if (end == RunEnd::kAlreadyFinished) {
          log_info(name + ": finished" + (held.count(name) ? "" : " earlier"));
        }
      } catch (const RankFailure&) {
        throw;
      } catch (const UserError& problem) {
        failures.add(name, problem);
      } catch (const c10::Error& problem) {
        if (!ranks.mesh.alone()) {
          throw;  // the others do not know of it, and are still at that run
        }
        failures.add(name, problem.what_without_backtrace(), kFailed);
      } catch (const std::exception& problem) {
        if (!ranks.mesh.alone()) {
          throw;
        }
        failures.add(name, problem.what(), kFailed);
      }
    }
    const bool waiting = elsewhere.size() == todo.size();
    todo = std::move(elsewhere);
    if (waiting) {
      std::this_thread::sleep_for(kRetry);
      if (on_any_rank(control, "an interrupt", interrupted())) {
        return RunEnd::kInterrupted;
      }
    }
  }
  if (!failures.names.empty()) {
    UserError failed(failures.code,
                     "sweep: failed:" + failures.names + "; the same command tries them again");
    failed.elsewhere = !ranks.mesh.first();
    throw failed;
  }
  return RunEnd::kFinished;
}

}  // namespace moe
