#include "train/run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <set>

#include "configs/errors.h"
#include "data/open_data.h"
#include "data/tokenizer.h"
#include "train/agree.h"
#include "train/gate_notes.h"
#include "train/init.h"
#include "train/interrupt.h"
#include "train/launch/rank_threads.h"
#include "train/log.h"
#include "train/memory_check.h"
#include "train/resume.h"
#include "train/run_loop.h"

namespace moe {
namespace {

// What a newcomer wants to know before waiting.
void announce(const RunConfig& config, const std::string& folder, const Datasets& data,
              const Mesh& mesh) {
  const auto& m = config.model;
  std::string text = folder + ": " + std::to_string(m.layers) + " layers of width " +
                     std::to_string(m.d_model);
  if (m.moe) {
    const auto layers = m.moe->expert_layers(m.layers);
    const auto& gate = m.moe->gate_of(layers.front()).kind;
    const bool alike = std::all_of(layers.begin(), layers.end(),
                                   [&](int64_t n) { return m.moe->gate_of(n).kind == gate; });
    std::set<int64_t> widths;
    for (const int64_t layer : layers) {
      widths.insert(m.moe->expert_width(layer, m.active_width));
    }
    text += ", " + std::to_string(m.moe->experts) + " experts of width " +
            std::to_string(*widths.begin()) +
            (widths.size() > 1 ? " to " + std::to_string(*widths.rbegin()) : "") +
            (m.moe->shared_experts > 0 ? " and " + std::to_string(m.moe->shared_experts) + " shared"
                                       : "") +
            (static_cast<int64_t>(layers.size()) < m.layers
                 ? " in " + std::to_string(layers.size()) + " of the layers"
                 : "") +
            ", gate " + (alike ? gate : "per layer");
  } else {
    text += ", dense";
  }
  log_info(text + "; " + std::to_string(data.train_bytes) + " bytes to train on, " +
           std::to_string(data.valid_bytes) + " to validate, " +
           std::to_string(at::get_num_threads()) + " threads" +
           (mesh.alone() ? ""
                         : " on each of " + std::to_string(mesh.ranks()) + " ranks (data " +
                               std::to_string(mesh.data_ranks()) + " x expert " +
                               std::to_string(mesh.expert_ranks()) + ")"));
  if (const auto text = describe_objective(config.objective); !text.empty()) {
    log_info(text);
  }
  for (const auto& note : gate_notes(m)) {
    log_warning(note);
  }
}

// Ranks of several machines may find other files under the same name.
void require_same_text(const Datasets& data, const RankGroup& control) {
  const auto sizes = gather_texts(
      control, std::to_string(data.train_bytes) + " and " + std::to_string(data.valid_bytes),
      "the size of the text");
  on_first_rank(control, "the size of the text", [&] {
    for (size_t r = 1; r < sizes.size(); ++r) {
      if (sizes[r] != sizes[0]) {
        throw RunError("data: every rank needs the same text; rank 0 has " + sizes[0] +
                       " bytes to train on and to validate, rank " + std::to_string(r) + " has " +
                       sizes[r] + ": give all machines the same files");
      }
    }
    return std::string();
  });
}

}  // namespace

RunEnd run_training(RunConfig config, ResumeMode mode,
                    const std::vector<std::string>& command_line, const Ranks& ranks) {
  watch_for_interrupts();
  const auto folder = run_folder(config);
  const auto& mesh = ranks.mesh;
  const auto& control = *mesh.control;
  // Ranks may have found other checkpoints of a base run that is still going on (train.extra_compute).
  config.train.steps = number_on_first_rank(control, "the number of steps", [&] { return config.train.steps; });
  std::unique_ptr<RunLock> lock;  // the first rank's
  const auto found = on_first_rank(control, "a look at the run folder", [&]() -> std::string {
    if (!check_existing_run(folder, config, mode)) {
      return "nothing";
    }
    return (lock = RunLock::take(folder)) ? "a run" : "another process";
  });
  if (found == "another process") {
    return RunEnd::kElsewhere;
  }
  bool goes_on = false;
  if (found == "a run") {
    const int64_t reached = reached_step(folder, mesh);
    on_first_rank(control, "a look at train.steps", [&] {
      if (reached > config.train.steps) {
        throw ConfigError("train.steps: expected at least " + std::to_string(reached) +
                          ", which the run in " + folder + " has reached, found " +
                          std::to_string(config.train.steps) +
                          (config.train.extra_compute > 0 ? ", by train.extra_compute" : ""));
      }
      return std::string();
    });
    if (reached == config.train.steps) {
      return RunEnd::kAlreadyFinished;  // without its text, which may be gone by now
    }
    goes_on = reached >= 0;
  }
  static const int all_cores = at::get_num_threads();  // before anyone sets another number
  at::set_num_threads(rank_threads(config.train.threads, all_cores, ranks.launch));
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  Datasets data;
  on_every_rank(*mesh.files, "what a run needs", [&] {  // refuses before anything is written
    if (choose_device(config.train.device, ranks.launch.local_rank).is_cpu()) {
      require_memory(config, physical_memory_bytes(), ranks.launch.local_ranks, mesh.ranks());
    }
    check_parameter_groups(config, tokenizer->vocabulary());
    if (config.init.given() && !goes_on && mesh.first()) {
      plan_init(config, tokenizer->vocabulary());
    }
    data = open_data(config.data, config.objective, config.model.context, config.data_seed());
  });
  require_same_text(data, control);
  if (found == "nothing") {
    const auto taken = on_first_rank(control, "the lock of the run folder", [&]() -> std::string {
      if (!(lock = RunLock::take(folder))) {
        return "another process";
      }
      // A run that another process began meanwhile is checked again, now that it cannot change.
      if (check_existing_run(folder, config, mode)) {
        log_info(folder + ": begun meanwhile; going on with it");
      }
      return "taken";
    });
    if (taken != "taken") {
      return RunEnd::kElsewhere;
    }
  }
  announce(config, folder, data, mesh);
  return RunLoop(config, folder, data, tokenizer->vocabulary(), ranks).go(command_line);
}

}  // namespace moe
