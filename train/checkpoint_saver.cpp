#include "train/checkpoint_saver.h"

#include <atomic>
#include <exception>
#include <filesystem>
#include <thread>
#include <utility>

#include "configs/errors.h"
#include "data/formats/file.h"
#include "data/formats/manifest.h"
#include "train/agree.h"
#include "train/checkpoint_files.h"
#include "train/checkpoint_share.h"
#include "train/checkpoint_state.h"
#include "train/compare/text.h"
#include "train/disk_space.h"
#include "train/log.h"

namespace moe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSaving = "saving a checkpoint";

std::string saving_folder(const std::string& run_folder) { return run_folder + "/checkpoints/.saving"; }

// Asked before a save begins, because a file system that is filled to its last byte takes the rows
// and the next checkpoint with it. The margin is for what the run writes besides.
void require_space(const std::string& checkpoint, const std::string& where, uint64_t bytes) {
  constexpr uint64_t kMargin = uint64_t{1} << 20;
  const auto free = free_bytes(where);
  if (free && *free < bytes + kMargin) {
    const auto text = [](uint64_t n) { return short_number(static_cast<double>(n)) + "B"; };
    throw RunError(checkpoint + ": expected " + text(bytes + kMargin) +
                   " of free disk space for it, found " + text(*free) +
                   ", so it was not begun; free some space there");
  }
}

uint64_t sum_over_ranks(const RankGroup& ranks, uint64_t mine) {
  uint64_t sum = 0;
  for (const auto& text : gather_texts(ranks, std::to_string(mine), kSaving)) {
    sum += std::stoull(text);
  }
  return sum;
}

}  // namespace

// The folder that a save is written to, beside the finished checkpoints; gone unless it was renamed.
class CheckpointSaver::SavingFolder {
 public:
  explicit SavingFolder(const std::string& folder) : folder_(folder) {
    std::error_code error;
    fs::remove_all(folder_, error);  // of a killed process: the run's lock makes us the only one
    fs::create_directories(folder_, error);
    if (error) {
      throw RunError(folder_ + ": cannot be made (" + error.message() + ")");
    }
  }
  ~SavingFolder() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  SavingFolder(const SavingFolder&) = delete;
  SavingFolder& operator=(const SavingFolder&) = delete;

  void rename_to(const std::string& name) const {
    std::error_code error;
    fs::remove_all(name, error);  // of the same step, from before an interruption
    fs::rename(folder_, name, error);
    if (error) {
      throw RunError(name + ": cannot be renamed from " + folder_ + " (" + error.message() + ")");
    }
    sync_folder(folder_of(folder_));
  }

 private:
  std::string folder_;
};

// One save, from start() to finish().
struct CheckpointSaver::Save {
  std::string folder, state;
  std::optional<SavingFolder> saving;  // the first rank's
  CheckpointShare share;
  std::vector<std::string> warnings;
  std::exception_ptr problem;
  std::atomic<bool> done = false;
  std::thread thread;
};

CheckpointSaver::CheckpointSaver(std::string run_folder, const Mesh& mesh, int64_t keep)
    : run_folder_(std::move(run_folder)), mesh_(mesh) {
  if (keep > 0) {
    retention_.emplace(keep);
  }
}

CheckpointSaver::~CheckpointSaver() {
  try {
    finish();
  } catch (const std::exception& problem) {
    log_warning(problem.what());
  }
}

bool CheckpointSaver::busy() const { return save_ != nullptr; }
bool CheckpointSaver::done() const { return save_ && save_->done; }

void CheckpointSaver::start(Trainer& trainer, const std::string& config_yaml) {
  TORCH_CHECK(!busy(), "a save is under way: call finish() first");
  trainer.count_flops();
  auto save = std::make_unique<Save>();
  save->folder = checkpoint_folder(run_folder_, trainer.progress().step);
  save->state = state_text(trainer, config_yaml);
  const auto model = trainer.model_parts(), moments = trainer.moment_parts();
  const auto& ranks = *mesh_.control;
  const auto bytes = sum_over_ranks(ranks, share_bytes(model, moments));
  on_first_rank(ranks, kSaving, [&] {
    save->saving.emplace(saving_folder(run_folder_));
    require_space(save->folder, saving_folder(run_folder_), bytes + save->state.size());
    return std::string();
  });
  on_every_rank(ranks, kSaving, [&] { save->share = copy_share(model, moments); });
  save->thread = std::thread([this, &begun = *save] { run(begun); });
  save_ = std::move(save);
}

// The thread. Every rank comes by the same agreements, whatever went wrong on one.
void CheckpointSaver::run(Save& save) {
  const auto& ranks = *mesh_.files;
  try {
    Manifest mine;
    on_every_rank(ranks, kSaving, [&] {
      const auto folder = saving_folder(run_folder_);
      mine = write_share(folder, ranks.rank(), ranks.size(), std::exchange(save.share, {}));
    });
    const auto manifests = gather_texts(ranks, manifest_text(mine), kSaving);
    on_first_rank(ranks, kSaving, [&] {
      commit(save, manifests);
      return std::string();
    });
  } catch (...) {
    save.problem = std::current_exception();
  }
  save.saving.reset();
  save.done = true;
}

// On the first rank.
void CheckpointSaver::commit(Save& save, const std::vector<std::string>& manifests) {
  const auto folder = saving_folder(run_folder_);
  Manifest all;
  for (const auto& text : manifests) {
    all.merge(parse_manifest(text, folder));
  }
  all["state.json"] = write_text_file(folder + "/state.json", save.state);
  write_manifest(folder, all);
  save.saving->rename_to(save.folder);
  if (retention_) {
    save.warnings = retention_->apply(run_folder_, save.folder);
  }
}

std::string CheckpointSaver::finish() {
  if (!save_) {
    return "";
  }
  const auto save = std::move(save_);
  save->thread.join();
  for (const auto& warning : save->warnings) {
    log_warning(warning);
  }
  if (save->problem) {
    std::rethrow_exception(save->problem);
  }
  return save->folder;
}

}  // namespace moe
