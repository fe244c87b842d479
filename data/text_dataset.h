// Rows cut out of text: windows of `length` bytes, each with the next byte as its target.
//
// A run is contiguous text; its windows lie side by side, every window's last target being the next
// one's first token, and never cross into another run. For training every epoch visits every window
// once, in an order of its own, and shifts each run's windows by an offset of its own, so that a
// model does not see the same cuts again. Nothing is stored but the runs: row n is a formula of n
// and the seed (data/permutation.h), so resuming is exact and batch() may be called from any
// thread.
//
// Where documents are divided, rows stay full and hold pieces of several: every piece is a segment
// with positions from 0, and a document's last byte has the end token as its target. A row's first
// piece may begin in the middle of its document; it is a segment like any other.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"
#include "data/documents.h"
#include "data/text_run.h"

namespace moe {

class TextDataset : public Dataset {
 public:
  // `owner` keeps the files alive. Runs shorter than length + 1 bytes are left out; there must be
  // one that is not (std::invalid_argument).
  static std::shared_ptr<const TextDataset> for_training(const std::vector<TextRun>& runs,
                                                         int64_t length, uint64_t seed,
                                                         std::shared_ptr<const void> owner,
                                                         const Documents& documents = {});
  // The same order in every epoch, whatever the seed, without offsets: the rows of one epoch are a
  // fixed list, and its first n a sample from all over the text.
  static std::shared_ptr<const TextDataset> for_validation(const std::vector<TextRun>& runs,
                                                           int64_t length,
                                                           std::shared_ptr<const void> owner,
                                                           const Documents& documents = {});

  // Token ids are the bytes themselves (the byte vocabulary). Segments and positions are left out
  // where no row of the batch is divided: plain causal attention is faster. Requires first >= 0 and
  // rows >= 0. Throws RunError where the text was cut short since it was opened.
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
              std::shared_ptr<const void> owner, const Documents& documents);
  void fill_row(int64_t index, uint64_t epoch_key, int64_t row, Batch& batch) const;
  // Segments, positions and end targets of a row that begins there.
  void divide_row(const TextRun& run, int64_t begin, int64_t row, Batch& batch) const;

  int64_t length_;
  bool training_;
  uint64_t seed_;
  int64_t windows_ = 0;
  std::vector<Cuts> runs_;
  std::shared_ptr<const void> owner_;
  Documents documents_;
};

}  // namespace moe
