#include "train/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/formats/manifest.h"
#include "train/checkpoint_state.h"
#include "train/compare/text.h"
#include "train/disk_space.h"
#include "train/log.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

// What gates keep between steps.
NamedTensors with_buffers(NamedTensors tensors, const Decoder& decoder) {
  for (const auto& item : decoder.named_buffers()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

// Originals of parameters, and buffers: model.safetensors.
NamedTensors saved_tensors(Trainer& trainer) {
  return with_buffers(trainer.weights().tensors(), *trainer.model().decoder);
}

// What is wrong with the files of a checkpoint says no to the checkpoint.
template <class Action>
auto checked(const std::string& folder, Action action) {
  try {
    return action();
  } catch (const RunError& problem) {
    throw CheckError(folder + ": " + problem.what());
  }
}

void verify(const std::string& folder) {
  const auto wrong = problem_of_checkpoint(folder);
  if (!wrong.empty()) {
    throw CheckError(folder + ": " + wrong);
  }
}

// The folder that a save is written to, beside the finished checkpoints; gone unless it was renamed.
class Saving {
 public:
  explicit Saving(const std::string& parent) : parent_(parent) {
    std::error_code error;
    fs::remove_all(folder(), error);  // of a killed process: the run's lock makes us the only one
    fs::create_directories(folder(), error);
    if (error) {
      throw RunError(folder() + ": cannot be made (" + error.message() + ")");
    }
  }
  ~Saving() {
    std::error_code error;
    fs::remove_all(folder(), error);
  }
  Saving(const Saving&) = delete;
  Saving& operator=(const Saving&) = delete;
  std::string folder() const { return parent_ + "/.saving"; }

  void rename_to(const std::string& name) const {
    std::error_code error;
    fs::remove_all(name, error);  // of the same step, from before an interruption
    fs::rename(folder(), name, error);
    if (error) {
      throw RunError(name + ": cannot be renamed from " + folder() + " (" + error.message() + ")");
    }
    sync_folder(parent_);
  }

 private:
  std::string parent_;
};

// A checkpoint's tensors in a file, with a generous share of its header.
uint64_t bytes_of(const NamedTensors& tensors) {
  constexpr uint64_t kEntry = 512;
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.nbytes() + kEntry;
  }
  return bytes;
}

// Asked before a save begins, because a file system that is filled to its last byte takes the rows
// and the next checkpoint with it. The margin is for what the run writes besides.
void require_space(const std::string& checkpoint, const std::string& where, uint64_t bytes) {
  constexpr uint64_t kMargin = uint64_t{1} << 20;
  const auto free = free_bytes(where);
  if (free && *free < bytes + kMargin) {
    const auto text = [](uint64_t n) { return short_number(static_cast<double>(n)) + "B"; };
    throw RunError(checkpoint + ": expected " + text(bytes + kMargin) +
                   " of free disk space for it, found " + text(*free) + ", so it was not begun; free some space there");
  }
}

}  // namespace

std::string checkpoint_folder(const std::string& run_folder, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return run_folder + "/checkpoints/" + name;
}

std::string problem_of_checkpoint(const std::string& folder) {
  return verify_manifest(folder, {"model.safetensors", "optimizer.safetensors", "state.json"});
}

std::vector<std::pair<int64_t, std::string>> list_checkpoints(const std::string& run_folder) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run_folder + "/checkpoints", error)) {
    const std::string name = entry.path().filename();
    const auto digits = name.rfind("step-", 0) == 0 ? name.substr(5) : std::string();
    if (!digits.empty() && digits.size() < 19 &&
        digits.find_first_not_of("0123456789") == std::string::npos) {
      found.emplace_back(std::stoll(digits), entry.path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

std::string save_checkpoint(const std::string& run_folder, Trainer& trainer,
                            const std::string& config_yaml) {
  trainer.count_flops();
  const auto folder = checkpoint_folder(run_folder, trainer.progress().step);
  const Saving saving(run_folder + "/checkpoints");
  const auto weights = saved_tensors(trainer);
  const auto moments = trainer.optimizer().state();
  const auto state = state_text(trainer, config_yaml);
  require_space(folder, saving.folder(), bytes_of(weights) + bytes_of(moments) + state.size());
  Manifest manifest;
  const auto path = [&saving](const char* name) { return saving.folder() + "/" + name; };
  manifest["model.safetensors"] = write_tensors(path("model.safetensors"), weights);
  manifest["optimizer.safetensors"] = write_tensors(path("optimizer.safetensors"), moments);
  manifest["state.json"] = write_text_file(path("state.json"), state);
  write_manifest(saving.folder(), manifest);
  saving.rename_to(folder);
  return folder;
}

void load_checkpoint(const std::string& folder, Trainer& trainer) {
  verify(folder);
  checked(folder, [&] {
    load_state(folder, trainer);
    read_tensors(folder + "/model.safetensors", saved_tensors(trainer));
    trainer.weights().publish();
    read_tensors(folder + "/optimizer.safetensors", trainer.optimizer().state());
  });
}

void load_parameters(const std::string& folder, Decoder& decoder) {
  checked(folder, [&] {
    read_tensors(folder + "/model.safetensors", model_tensors(decoder));
  });
}

TensorShapes checkpoint_shapes(const std::string& folder) {
  return checked(folder, [&] { return shapes_in(folder + "/model.safetensors"); });
}

NamedTensors model_tensors(const Decoder& decoder) {
  NamedTensors tensors;
  for (const auto& item : decoder.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return with_buffers(std::move(tensors), decoder);
}

void load_some_tensors(const std::string& folder, const std::vector<std::string>& names,
                       Trainer& trainer) {
  verify(folder);
  const std::set<std::string> chosen(names.begin(), names.end());
  auto tensors = saved_tensors(trainer);
  tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                               [&](const auto& tensor) { return !chosen.count(tensor.first); }),
                tensors.end());
  checked(folder, [&] { read_some_tensors(folder + "/model.safetensors", tensors); });
  trainer.weights().publish();
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
