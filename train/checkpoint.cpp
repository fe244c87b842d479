#include "train/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/formats/manifest.h"
#include "data/formats/metrics_file.h"
#include "train/log.h"
#include "train/tensor_file.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFormat = 1;

NamedTensors named_parameters(const Decoder& decoder) {
  NamedTensors tensors;
  for (const auto& item : decoder.named_parameters()) {
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

Json state_of(Trainer& trainer, const std::string& config_yaml) {
  const auto& p = trainer.progress();
  return {{"format", kFormat},
          {"step", p.step},
          {"row", p.row},
          {"tokens", p.tokens},
          {"target_tokens", p.target_tokens},
          {"flops", p.flops},
          {"flops_attention", p.flops_attention},
          {"flops_executed", p.flops_executed},
          {"seconds", p.seconds},
          {"train_bytes", p.train_bytes},
          {"valid_bytes", p.valid_bytes},
          {"optimizer_steps", trainer.optimizer().steps()},
          {"config", config_yaml}};
}

Json read_state(const std::string& folder) {
  const auto path = folder + "/state.json";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const auto state = Json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!state.is_object() || state.value("format", int64_t{0}) != kFormat) {
    throw CheckError(path + ": expected an object with \"format\": " + std::to_string(kFormat) +
                     "; it was written by another version, or is not a checkpoint's");
  }
  return state;
}

void verify(const std::string& folder) {
  const auto wrong = verify_manifest(folder);
  if (!wrong.empty()) {
    throw CheckError(folder + ": " + wrong);
  }
}

}  // namespace

std::string checkpoint_folder(const std::string& run_folder, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return run_folder + "/checkpoints/" + name;
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
                            const std::string& config_yaml, int64_t keep) {
  trainer.count_flops();
  const auto folder = checkpoint_folder(run_folder, trainer.progress().step);
  const auto parent = run_folder + "/checkpoints";
  const auto temporary = parent + "/.saving";  // the run's lock makes us the only writer
  std::error_code error;
  fs::remove_all(temporary, error);
  fs::create_directories(temporary, error);
  if (error) {
    throw RunError(temporary + ": cannot be made (" + error.message() +
                   "); earlier checkpoints are untouched");
  }
  Manifest manifest;
  manifest["model.safetensors"] =
      write_tensors(temporary + "/model.safetensors", named_parameters(*trainer.model().decoder));
  manifest["optimizer.safetensors"] =
      write_tensors(temporary + "/optimizer.safetensors", trainer.optimizer().state());
  manifest["state.json"] =
      write_text_file(temporary + "/state.json", state_of(trainer, config_yaml).dump(2) + "\n");
  write_manifest(temporary, manifest);

  fs::remove_all(folder, error);  // of the same step, from before an interruption
  fs::rename(temporary, folder, error);
  if (error) {
    throw RunError(folder + ": cannot be renamed from " + temporary + " (" + error.message() + ")");
  }
  sync_folder(parent);
  const auto all = list_checkpoints(run_folder);
  for (size_t i = static_cast<size_t>(keep); i < all.size(); ++i) {
    fs::remove_all(all[i].second, error);
  }
  return folder;
}

void load_checkpoint(const std::string& folder, Trainer& trainer) {
  verify(folder);
  const auto state = read_state(folder);
  load_parameters(folder, *trainer.model().decoder);
  read_tensors(folder + "/optimizer.safetensors", trainer.optimizer().state());
  auto& p = trainer.progress();
  try {
    p.step = state.at("step");
    p.row = state.at("row");
    p.tokens = state.at("tokens");
    p.target_tokens = state.at("target_tokens");
    p.flops = state.at("flops");
    p.flops_attention = state.at("flops_attention");
    p.flops_executed = state.at("flops_executed");
    p.seconds = state.at("seconds");
    p.train_bytes = state.at("train_bytes");
    p.valid_bytes = state.at("valid_bytes");
    trainer.optimizer().set_steps(state.at("optimizer_steps"));
  } catch (const nlohmann::json::exception& problem) {
    throw CheckError(folder + "/state.json: " + problem.what());
  }
}

void load_parameters(const std::string& folder, Decoder& decoder) {
  read_tensors(folder + "/model.safetensors", named_parameters(decoder));
}

std::string checkpoint_config(const std::string& folder) {
  verify(folder);
  const auto state = read_state(folder);
  if (!state.contains("config") || !state["config"].is_string()) {
    throw CheckError(folder + "/state.json: expected \"config\" with the run's YAML, found none");
  }
  return state["config"];
}

std::string find_checkpoint(const std::string& path) {
  if (fs::exists(path + "/manifest.json")) {
    verify(path);
    return path;
  }
  const auto all = list_checkpoints(path);
  std::string problems;
  for (const auto& [step, folder] : all) {
    const auto wrong = verify_manifest(folder);
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
