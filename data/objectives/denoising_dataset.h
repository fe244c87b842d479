// Rows of one denoiser over the rows of a text: examples, one after another, as many as a row of text has documents.
//
// A row of text is as long as the longest of which one example fits, so that a row of one document is full but for two
// positions at most, where a token more would need a span more. Of several documents each becomes an example of its own,
// a segment with positions from 0 whose tokens see no other's; each takes room for its mode token and its ends, so that
// the last ones are cut short, or left out, and what remains is padding. Row n is a pure function of n: its noise is
// keyed by it.
#pragma once

#include <cstdint>
#include <memory>

#include "data/dataset.h"
#include "data/objectives/denoiser.h"

namespace moe {

class DenoisingDataset : public Dataset {
 public:
  // `text`: rows of denoiser.longest_text(length + 1) tokens, whose segments are its documents. `length`: tokens that
  // are fed, the last id of an example being a target alone. `seed` keys the noise.
  DenoisingDataset(std::shared_ptr<const Dataset> text, const Denoiser& denoiser, int64_t end_id, int64_t length,
                   uint64_t seed);

  Batch batch(int64_t first, int64_t rows) const override;
  int64_t rows_per_epoch() const override { return text_->rows_per_epoch(); }

 private:
  void fill_row(const Batch& text, int64_t row, Draws& draws, Batch& batch) const;

  std::shared_ptr<const Dataset> text_;
  Denoiser denoiser_;
  int64_t end_id_, length_;
  uint64_t seed_;
};

}  // namespace moe
