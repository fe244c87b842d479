// Rows cut out of text in memory: windows of `length` bytes, each with the next byte as its target.
//
// A run is contiguous text; its windows lie side by side, every window's last target being the next
// one's first token, and never cross into another run. For training every epoch visits every window
// once, in an order of its own, and shifts each run's windows by an offset of its own, so that a
// model does not see the same cuts again. Nothing is stored but the runs: row n is a formula of n
// and the seed (data/permutation.h), so resuming is exact and batch() may be called from any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"

namespace moe {

struct TextRun {
  const uint8_t* data = nullptr;
  int64_t bytes = 0;
};

class TextDataset : public Dataset {
 public:
  // `owner` keeps the text alive. Runs shorter than length + 1 bytes are left out; there must be
  // one that is not (std::invalid_argument).
  static std::shared_ptr<const TextDataset> for_training(const std::vector<TextRun>& runs,
                                                         int64_t length, uint64_t seed,
                                                         std::shared_ptr<const void> owner);
  // The same order in every epoch, whatever the seed, without offsets: the rows of one epoch are a
  // fixed list, and its first n a sample from all over the text.
  static std::shared_ptr<const TextDataset> for_validation(const std::vector<TextRun>& runs,
                                                           int64_t length,
                                                           std::shared_ptr<const void> owner);

  // Token ids are the bytes themselves (the byte vocabulary). Requires first >= 0 and rows >= 0.
  Batch batch(int64_t first, int64_t rows) const override;
  int64_t rows_per_epoch() const override { return windows_; }

 private:
  struct Cuts {
    TextRun run;
    int64_t first_window = 0;  // of this run, among those of all runs
    int64_t windows = 0;
    int64_t slack = 0;  // offsets 0 to slack keep every window inside the run
  };

  TextDataset(const std::vector<TextRun>& runs, int64_t length, bool training, uint64_t seed,
              std::shared_ptr<const void> owner);
  const uint8_t* window(int64_t index, uint64_t epoch_key) const;

  int64_t length_;
  bool training_;
  uint64_t seed_;
  int64_t windows_ = 0;
  std::vector<Cuts> runs_;
  std::shared_ptr<const void> owner_;
};

}  // namespace moe
