// Rows that every rank of a mesh reads a share of: what one of them cannot read is everyone's error, met where
// all of them look, and not on one rank while the others wait for it in a sum.
#pragma once

#include <exception>

#include "data/dataset.h"
#include "moe/mesh.h"

namespace moe {

class SharedText {
 public:
  // Both outlive it.
  SharedText(const Dataset& data, const Mesh& mesh) : data_(data), mesh_(mesh) {}

  // As Dataset::batch(). A rank alone throws what that throws; one of many gives a batch without rows
  // instead, so that it takes part in what comes next, and has failed().
  Batch batch(int64_t first, int64_t rows);
  bool failed() const { return problem_ != nullptr; }
  // On every rank: the error of the first that has failed, if any has.
  void throw_together(const RankGroup& control) const;

 private:
  const Dataset& data_;
  const Mesh& mesh_;
  std::exception_ptr problem_;
};

}  // namespace moe
