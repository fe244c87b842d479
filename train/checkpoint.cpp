#include "train/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "configs/errors.h"
#include "train/agree.h"
#include "train/checkpoint_saver.h"
#include "train/checkpoint_state.h"
#include "train/log.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

// What is wrong with the files of a checkpoint says no to the checkpoint.
template <class Action>
auto checked(const std::string& folder, Action action) {
  try {
    return action();
  } catch (const RunError& problem) {
    throw CheckError(folder + ": " + problem.what());
  }
}

void verify(const std::string& folder, const Mesh& mesh = {}) {
  if (const auto wrong = problem_of_checkpoint(folder, *mesh.files); !wrong.empty()) {
    CheckError refused(folder + ": " + wrong);
    refused.elsewhere = !mesh.first();
    throw refused;
  }
}

// Ranks verify together, then each reads; an error of one is everyone's.
template <class Action>
void load_together(const std::string& folder, const Trainer& trainer, Action read) {
  verify(folder, trainer.mesh());
  on_every_rank(*trainer.mesh().files, "loading " + folder, [&] { checked(folder, read); });
}

}  // namespace

std::string save_checkpoint(const std::string& run_folder, Trainer& trainer,
                            const std::string& config_yaml) {
  CheckpointSaver saver(run_folder, trainer.mesh(), /*keep=*/0);
  saver.start(trainer, config_yaml);
  return saver.finish();
}

void load_checkpoint(const std::string& folder, Trainer& trainer) {
  load_together(folder, trainer, [&] {
    load_state(folder, trainer);
    read_parts(open_files(folder, kModelFiles), trainer.model_parts());
    trainer.weights().publish();
    read_parts(open_files(folder, kOptimizerFiles), trainer.moment_parts());
  });
}

void load_parameters(const std::string& folder, Decoder& decoder) {
  checked(folder, [&] {
    read_parts(open_files(folder, kModelFiles), whole_parts(model_tensors(decoder)));
  });
}

TensorShapes checkpoint_shapes(const std::string& folder) {
  return checked(folder, [&] { return shapes_in(open_files(folder, kModelFiles)); });
}

NamedTensors model_tensors(const Decoder& decoder) {
  NamedTensors tensors;
  for (const auto& item : decoder.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  for (const auto& item : decoder.named_buffers()) {  // what gates keep between steps
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

void load_some_tensors(const std::string& folder, const std::vector<std::string>& names,
                       Trainer& trainer) {
  const std::set<std::string> chosen(names.begin(), names.end());
  load_together(folder, trainer, [&] {
    auto parts = trainer.model_parts();
    parts.erase(std::remove_if(parts.begin(), parts.end(),
                               [&](const TensorPart& part) { return !chosen.count(part.name); }),
                parts.end());
    read_some_parts(open_files(folder, kModelFiles), parts);
    trainer.weights().publish();
  });
}

std::string checkpoint_config(const std::string& folder) {
  verify(folder);
  return checked(folder, [&] { return state_config(folder); });
}

std::string find_checkpoint(const std::string& path) {
  std::error_code unreadable;
  if (fs::exists(path + "/manifest.json", unreadable)) {
    verify(path);
    return path;
  }
  const auto all = list_checkpoints(path);
  std::string problems;
  for (const auto& [step, folder] : all) {
    const auto wrong = problem_of_checkpoint(folder);
    if (wrong.empty()) {
      if (!problems.empty()) {
        log_warning("taking " + folder + ", since newer checkpoints are damaged:" + problems);
      }
      return folder;
    }
    problems += "\n  " + folder + ": " + wrong;
  }
  if (all.empty()) {
    throw RunError(path + ": expected a checkpoint folder (with manifest.json) or a run's folder "
                          "(with checkpoints/), found neither");
  }
  throw CheckError(path + ": none of its checkpoints is good:" + problems);
}

}  // namespace moe
