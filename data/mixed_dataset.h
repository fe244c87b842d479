// Rows of several datasets in fixed proportions, still a pure function of the row number.
//
// Which source row n comes from is a formula, without a table or a generator: every source but the
// last takes its share of the rows that the ones before it left over, evenly spread, and the last
// takes the rest. Of the first m rows left over, source i takes floor(m q + 1/2), with q its weight
// over the weights from i on, as a whole number of 2^-32. It steps by 0 or 1 from m to m + 1
// (q <= 1), so row m is source i's where it steps, and its index within the source is the floor
// itself: no row of a source is left out or drawn twice.
//
// How exact this is: with r_i the rows of source i among the first n, and e_i = m_i - n W_i what
// reaches it beyond its due (W_i the share of the weights from i on; e_0 = 0):
//   r_i = m_i q_i + d, |d| <= 1/2, so |r_i - n w_i| <= |e_i| q_i + 1/2
//   e_{i+1} = e_i (1 - q_i) - d, so |e_i| <= i / 2.
// So at every n no source is ever more than (i + 1) / 2 rows from its due, however long the run
// (rounding q to 2^-32 adds n 2^-33 at most a source: one row in eight thousand million).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/dataset.h"

namespace moe {

class MixedDataset : public Dataset {
 public:
  struct Part {
    std::shared_ptr<const Dataset> rows;
    double weight = 1;  // above 0; shares are weights over their sum
  };
  // At least one part; all with rows of one length.
  explicit MixedDataset(std::vector<Part> parts);

  Batch batch(int64_t first, int64_t rows) const override;
  // Until every source has been read to its end at least once; small ones come around again.
  int64_t rows_per_epoch() const override { return rows_per_epoch_; }

  // How many of the first n rows come from each part; they sum to n.
  std::vector<int64_t> drawn(int64_t n) const;

 private:
  std::vector<Part> parts_;
  std::vector<uint64_t> shares_;  // of the rows left over, in 2^-32
  int64_t rows_per_epoch_ = 0;
};

}  // namespace moe
