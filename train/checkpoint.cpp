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
#include "train/upcycle.h"

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

// Those of the parts that have one of these names.
std::vector<TensorPart> of_names(std::vector<TensorPart> parts, const std::vector<std::string>& names) {
  const std::set<std::string> chosen(names.begin(), names.end());
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [&](const TensorPart& part) { return !chosen.count(part.name); }),
              parts.end());
  return parts;
}

// Moments of these parameters and the count of steps; all others begin late.
void load_moments(const std::string& folder, const std::vector<std::string>& parameters, Trainer& trainer) {
  std::vector<std::string> moments;
  for (const auto& name : parameters) {
    moments.insert(moments.end(), {kFirstMoment + name, kSecondMoment + name});
  }
  read_some_parts(open_files(folder, kOptimizerFiles), of_names(trainer.moment_parts(), moments));
  const auto counted = state_optimizer(folder);
  const std::set<std::string> kept(parameters.begin(), parameters.end());
  AdamW::Late late;
  for (const auto& [name, tensor] : trainer.weights().tensors()) {
    const auto missed = counted.late.find(name);
    if (!kept.count(name)) {
      late[name] = counted.steps;
    } else if (missed != counted.late.end()) {
      late.insert(*missed);
    }
  }
  trainer.optimizer().set_steps(counted.steps, late);
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

TensorShapes checkpoint_shapes(const std::string& folder, const std::string& kind) {
  return checked(folder, [&] { return shapes_in(open_files(folder, kind)); });
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

void load_some_tensors(const std::string& folder, const TakenTensors& taken, Trainer& trainer) {
  load_together(folder, trainer, [&] {
    const auto files = open_files(folder, kModelFiles);
    read_some_parts(files, of_names(trainer.model_parts(), taken.loaded));
    read_into_experts(files, of_names(trainer.model_parts(), taken.copied));
    trainer.weights().publish();
    if (!taken.moments.empty()) {
      load_moments(folder, taken.moments, trainer);
    }
    trainer.progress().began_with = state_cost(folder);
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
