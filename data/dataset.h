// A source of training rows whose every row is a pure function of its number, so that a position is
// one integer and resuming is exact.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/batch.h"

namespace moe {

class Dataset {
 public:
  virtual ~Dataset() = default;
  // Rows first, first + 1, ..., first + rows - 1; numbers past one epoch go on into the next.
  virtual Batch batch(int64_t first, int64_t rows) const = 0;
  // Rows of one epoch; at least 1.
  virtual int64_t rows_per_epoch() const = 0;
};

// One text's validation rows, in a fixed order: any first n are a fair sample.
struct ValidationRows {
  std::string name;  // of the source; empty where `data.train` is the only one
  double share = 1;  // of the training rows that come from this source; all shares of an objective sum to 1
  std::shared_ptr<const Dataset> rows;
  std::string objective = "causal";  // or the denoiser that made them
  double weight = 1;  // this objective's share of the training rows; 0 where it is only looked at
};

}  // namespace moe
