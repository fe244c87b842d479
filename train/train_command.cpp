// moe-train CONFIG.yaml [key=value ...]: train, continue, or run a sweep.
#include "train/commands.h"

#include <iostream>

#include "configs/config_io.h"
#include "train/agree.h"
#include "train/config_reference.h"
#include "train/dry_run.h"
#include "train/gate_reference.h"
#include "train/launch/as_rank.h"
#include "train/launch/start_mesh.h"
#include "train/log.h"
#include "train/model.h"
#include "train/program.h"
#include "train/run.h"
#include "train/run_config_file.h"
#include "train/sweep.h"
#include "train/verify_layout.h"

namespace moe {
namespace {

int exit_code(RunEnd end) { return end == RunEnd::kInterrupted ? kInterrupted : kDone; }

int train_one(RunConfig config, ResumeMode mode, const std::vector<std::string>& command_line,
              const Ranks& ranks) {
  const auto folder = run_folder(config);
  const auto end = run_training(std::move(config), mode, command_line, ranks);
  switch (end) {
    case RunEnd::kElsewhere: {
      ConfigError held(folder + ": another process is training this run: wait for it, or choose "
                                "another run.name");
      held.elsewhere = !ranks.mesh.first();
      throw held;
    }
    case RunEnd::kInterrupted:
      log_info("interrupted and saved; the same command goes on");
      break;
    case RunEnd::kAlreadyFinished:
      log_info(folder + ": this run is finished; raise train.steps to go on");
      break;
    case RunEnd::kFinished: break;
  }
  if (ranks.mesh.first()) {
    std::cout << "run: " << folder << std::endl;
  }
  return exit_code(end);
}

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  ResumeMode mode = ResumeMode::kAuto;
  bool print = false, dry = false, json = false, verify = false;
  int64_t states = 1;  // of --verify-layout
  DryRunRanks dry_ranks;
  std::vector<std::string> command_line;
  std::string program;
};

int verify(const TrainOptions& options, RunConfig config, const Ranks& ranks) {
  const auto check = verify_layout(std::move(config), options.states, ranks);
  if (ranks.mesh.first()) {
    std::cout << (options.json ? layout_json(check, ranks.mesh).dump(2) + "\n"
                               : layout_text(check, ranks.mesh));
  }
  return check.first.empty() ? kDone : kCheckFailed;
}

int run_or_sweep(const TrainOptions& options, RunConfig config, const std::vector<SweepRun>& runs,
                 const Ranks& ranks) {
  if (runs.empty()) {
    return train_one(std::move(config), options.mode, options.command_line, ranks);
  }
  const auto end = run_sweep(runs, options.mode, options.command_line, ranks);
  if (end == RunEnd::kInterrupted) {
    log_info("interrupted and saved; the same command goes on");
  }
  return exit_code(end);
}

int train(const TrainOptions& options) {
  auto config = RunConfigFile(options.config).load(options.overrides);
  set_log_level(config.log.level);
  if (options.print) {
    std::cout << print_config(view_of(config));
    return kDone;
  }
  if (options.dry) {
    if (config.sweep.given() && !config.init.take.empty()) {
      throw ConfigError("--dry-run: expected a config of one run, found a sweep whose runs take their model from "
                        "a checkpoint (init.take): name a variant's overrides, with sweep={}");
    }
    const auto report = dry_run(config, options.dry_ranks);
    std::cout << (options.json ? report.dump(2) + "\n" : dry_run_text(report));
    return kDone;
  }
  if (options.verify && config.sweep.given()) {
    throw ConfigError("--verify-layout: expected a config of one run, found a sweep: name a variant's "
                      "overrides, with sweep={}");
  }
  const auto runs = config.sweep.given() ? expand_sweep(options.config, options.overrides)
                                         : std::vector<SweepRun>();
  const auto launch = read_launch(config.parallel.store);
  return as_rank(launch, options.program, [&] {
    const auto device = choose_device(config.train.device, launch.local_rank);
    const Ranks ranks{start_mesh(launch, config.parallel, device), launch};
    if (!ranks.mesh.alone()) {
      log_info(std::to_string(launch.ranks) + " ranks, started by " + launch.source);
    }
    const int code = options.verify ? verify(options, config, ranks) : run_or_sweep(options, config, runs, ranks);
    gather_texts(*ranks.mesh.control, "", "the end");  // the first rank serves the others' store
    return code;
  });
}

}  // namespace

int train_command(int argc, char** argv) {
  CLI::App app("Trains the model that a config describes, or continues where it stopped.",
               program_name(argv));
  TrainOptions options;
  std::string resume = "auto", help_section;
  bool markdown = false, gates = false;
  app.add_option("config", options.config, "YAML config");
  app.add_option("overrides", options.overrides, "key=value, as in model.moe.gate.kind=top_k");
  app.add_option("--resume", resume, "auto, never or require")->capture_default_str();
  auto* help = app.add_option("--help-config", help_section,
                              "explain the config's keys, of one section where given")
                   ->expected(0, 1);
  app.add_flag("--markdown", markdown, "with --help-config: all keys as docs/config.md has them")
      ->needs(help);
  app.add_flag("--help-gates", gates, "every gate, as docs/gates.md has them");
  app.add_flag("--print-config", options.print, "print the complete config and stop");
  auto* dry = app.add_flag("--dry-run", options.dry, "print parameters, FLOPs and memory and stop");
  auto* dry_ranks = app.add_option("--ranks", options.dry_ranks.ranks,
                                   "with --dry-run: also what one of that many ranks holds and hands over")
                        ->needs(dry)
                        ->check(CLI::Range(1, 1 << 20));
  app.add_option("--ranks-per-node", options.dry_ranks.per_node,
                 "with --ranks: those that share a machine, for what crosses between machines; all of them if "
                 "not given")
      ->needs(dry_ranks)
      ->check(CLI::Range(1, 1 << 20));
  auto* verify = app.add_flag("--verify-layout", options.verify,
                              "compare a step of these ranks with one rank's, gradients and all, and stop");
  app.add_option("--states", options.states, "with --verify-layout: of that many steps in a row")
      ->needs(verify)
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("--json", options.json, "with --dry-run or --verify-layout: as one JSON document");
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
    if (options.config.empty()) {
      throw ConfigError("expected a config: " + app.get_name() +
                        " CONFIG.yaml [key=value ...]; see --help");
    }
    options.mode = resume_mode(resume);
    options.command_line.assign(argv, argv + argc);
    options.program = app.get_name();
    return train(options);
  });
}

}  // namespace moe
