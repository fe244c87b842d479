// Saving checkpoints while training goes on: it waits for a copy in host memory, the rest is a thread's.
//
// Every rank's thread writes that rank's files into checkpoints/.saving; once all have, the first rank's
// commits them: state, manifest, one rename. So a crash at any moment leaves the checkpoint before as the
// newest, and an error of one rank is everyone's, and leaves nothing. The threads speak over Mesh::files
// alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "moe/mesh.h"
#include "train/retention.h"
#include "train/trainer.h"

namespace moe {

class CheckpointSaver {
 public:
  // `keep` as in Retention; 0 keeps all and reads nothing back.
  CheckpointSaver(std::string run_folder, const Mesh& mesh, int64_t keep);
  // Waits for the thread. What a save that nobody asked for any more had to say becomes a warning.
  ~CheckpointSaver();
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;

  // Begins to save parameters, moments, data position, counters and the whole config, as they are now.
  // Requires nothing under way. Throws RunError on every rank alike, before anything is written or
  // copied: for a full disk (the first rank asks, for all), a folder that cannot be made.
  void start(Trainer& trainer, const std::string& config_yaml);
  // A save has been begun, and finish() was not called since.
  bool busy() const;
  // The thread is done: finish() will not wait. Ranks see it at different times.
  bool done() const;
  // Waits for the save under way and returns its folder; "" with none. Speaks to no rank. Throws RunError,
  // the same on every rank, when it failed: nothing of it stays then, and earlier checkpoints are as they
  // were. RankFailure when another rank is gone.
  std::string finish();

 private:
  class SavingFolder;
  struct Save;
  void run(Save& save);
  void commit(Save& save, const std::vector<std::string>& manifests);

  std::string run_folder_;
  Mesh mesh_;
  std::optional<Retention> retention_;  // the first rank's thread's, while there is one
  std::unique_ptr<Save> save_;
};

}  // namespace moe
