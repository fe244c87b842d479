#include "train/run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <set>

#include "configs/errors.h"
#include "data/open_data.h"
#include "data/tokenizer.h"
#include "train/gate_notes.h"
#include "train/init.h"
#include "train/interrupt.h"
#include "train/log.h"
#include "train/memory_check.h"
#include "train/resume.h"
#include "train/run_loop.h"

namespace moe {
namespace {

// What a newcomer wants to know before waiting.
void announce(const RunConfig& config, const std::string& folder, const Datasets& data) {
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
           std::to_string(at::get_num_threads()) + " threads");
  for (const auto& note : gate_notes(m)) {
    log_warning(note);
  }
}

}  // namespace

RunEnd run_training(RunConfig config, ResumeMode mode,
                    const std::vector<std::string>& command_line) {
  watch_for_interrupts();
  const auto folder = run_folder(config);
  const bool exists = check_existing_run(folder, config, mode);
  std::unique_ptr<RunLock> lock;
  bool goes_on = false;
  if (exists) {
    if (!(lock = RunLock::take(folder))) {
      return RunEnd::kElsewhere;
    }
    const int64_t reached = reached_step(folder);
    if (reached > config.train.steps) {
      throw ConfigError("train.steps: expected at least " + std::to_string(reached) +
                        ", which the run in " + folder + " has reached, found " +
                        std::to_string(config.train.steps));
    }
    if (reached == config.train.steps) {
      return RunEnd::kAlreadyFinished;  // without its text, which may be gone by now
    }
    goes_on = reached >= 0;
  }
  static const int all_cores = at::get_num_threads();  // before anyone sets another number
  at::set_num_threads(config.train.threads > 0 ? static_cast<int>(config.train.threads)
                                               : all_cores);
  if (choose_device(config.train.device).is_cpu()) {  // refuses before anything is written, too
    require_memory(config, physical_memory_bytes());
  }
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  check_parameter_groups(config, tokenizer->vocabulary());  // so does this
  if (config.init.given() && !goes_on) {
    plan_init(config, tokenizer->vocabulary());  // and this
  }
  const auto data =
      open_data(config.data, config.model.context, static_cast<uint64_t>(config.run.seed));
  if (!lock) {
    if (!(lock = RunLock::take(folder))) {
      return RunEnd::kElsewhere;
    }
    // A run that another process began meanwhile is checked again, now that it cannot change.
    if (check_existing_run(folder, config, mode)) {
      log_info(folder + ": begun meanwhile; going on with it");
    }
  }
  announce(config, folder, data);
  return RunLoop(config, folder, data, tokenizer->vocabulary()).go(command_line);
}

}  // namespace moe
