// moe-train CONFIG.yaml [key=value ...]: train, continue, or run a sweep.
#include "train/commands.h"

#include <iostream>

#include "configs/config_io.h"
#include "train/config_reference.h"
#include "train/dry_run.h"
#include "train/gate_reference.h"
#include "train/log.h"
#include "train/program.h"
#include "train/run.h"
#include "train/sweep.h"

namespace moe {
namespace {

int exit_code(RunEnd end) { return end == RunEnd::kInterrupted ? kInterrupted : kDone; }

int train_one(RunConfig config, ResumeMode mode, const std::vector<std::string>& command_line) {
  const auto folder = run_folder(config);
  const auto end = run_training(std::move(config), mode, command_line);
  switch (end) {
    case RunEnd::kElsewhere:
      throw ConfigError(folder + ": another process is training this run: wait for it, or choose "
                                 "another run.name");
    case RunEnd::kInterrupted:
      log_info("interrupted and saved; the same command goes on");
      break;
    case RunEnd::kAlreadyFinished:
      log_info(folder + ": this run is finished; raise train.steps to go on");
      break;
    case RunEnd::kFinished: break;
  }
  std::cout << "run: " << folder << std::endl;
  return exit_code(end);
}

int train(const std::string& path, const std::vector<std::string>& overrides, bool print,
          bool dry, bool json, ResumeMode mode, const std::vector<std::string>& command_line) {
  auto config = load_config<RunConfig>(path, overrides);
  set_log_level(config.log.level);
  if (config.run.name.empty() && !config.sweep.given()) {
    config.run.name = default_run_name(path, overrides, config.run.seed);
  }
  if (print) {
    std::cout << print_config(view_of(config));
    return kDone;
  }
  if (dry) {
    const auto report = dry_run(config);
    std::cout << (json ? report.dump(2) + "\n" : dry_run_text(report));
    return kDone;
  }
  if (config.sweep.given()) {
    const auto end = run_sweep(expand_sweep(path, overrides), mode, command_line);
    if (end == RunEnd::kInterrupted) {
      log_info("interrupted and saved; the same command goes on");
    }
    return exit_code(end);
  }
  return train_one(std::move(config), mode, command_line);
}

}  // namespace

int train_command(int argc, char** argv) {
  CLI::App app("Trains the model that a config describes, or continues where it stopped.",
               program_name(argv));
  std::string config, resume = "auto", help_section;
  std::vector<std::string> overrides;
  bool print = false, dry = false, json = false, markdown = false, gates = false;
  app.add_option("config", config, "YAML config");
  app.add_option("overrides", overrides, "key=value, as in model.moe.gate.kind=top_k");
  app.add_option("--resume", resume, "auto, never or require")->capture_default_str();
  auto* help = app.add_option("--help-config", help_section,
                              "explain the config's keys, of one section where given")
                   ->expected(0, 1);
  app.add_flag("--markdown", markdown, "with --help-config: all keys as docs/config.md has them")
      ->needs(help);
  app.add_flag("--help-gates", gates, "every gate, as docs/gates.md has them");
  app.add_flag("--print-config", print, "print the complete config and stop");
  app.add_flag("--dry-run", dry, "print parameters, FLOPs and memory and stop");
  app.add_flag("--json", json, "with --dry-run: as one JSON document");
  return run_program(app, argc, argv, [&] {
    if (help->count() > 0) {
      RunConfig defaults;
      std::cout << (markdown ? config_reference() : help_config(view_of(defaults), help_section));
      return static_cast<int>(kDone);
    }
    if (gates) {
      std::cout << gate_reference();
      return static_cast<int>(kDone);
    }
    if (config.empty()) {
      throw ConfigError("expected a config: " + app.get_name() +
                        " CONFIG.yaml [key=value ...]; see --help");
    }
    return train(config, overrides, print, dry, json, resume_mode(resume),
                 std::vector<std::string>(argv, argv + argc));
  });
}

}  // namespace moe
