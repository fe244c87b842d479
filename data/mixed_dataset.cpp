#include "data/mixed_dataset.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace moe {
namespace {

constexpr double kUnit = 4294967296.0;  // 2^32

// floor(m q + 1/2), q in units of 2^-32. 128 bits, because m alone may take 63.
int64_t taken(int64_t m, uint64_t q) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<int64_t>((static_cast<Wide>(m) * q + (Wide{1} << 31)) >> 32);
}

// Row `from` of one batch becomes row `to` of another of the same length.
void copy_row(const Batch& source, int64_t from, Batch& target, int64_t to) {
  const int64_t length = source.length;
  const auto copy = [&](const auto& a, auto& b) {
    if (!a.empty()) std::copy_n(a.begin() + from * length, length, b.begin() + to * length);
  };
  copy(source.prefix, target.prefix);
  copy(source.valid, target.valid);
  copy(source.tokens, target.tokens);
  copy(source.targets, target.targets);
  if (!source.segments.empty()) {
    copy(source.segments, target.segments);
    copy(source.positions, target.positions);
  } else if (!target.segments.empty()) {  // one document from the row's beginning
    for (int64_t i = 0; i < length; ++i) target.positions[static_cast<size_t>(to * length + i)] = i;
  }
}

}  // namespace

MixedDataset::MixedDataset(std::vector<Part> parts) : parts_(std::move(parts)) {
  if (parts_.empty()) throw std::invalid_argument("MixedDataset: expected a part, found none");
  double left = 0;
  for (const Part& part : parts_) left += part.weight;
  const double all = left;
  for (const Part& part : parts_) {
    const bool last = &part == &parts_.back();
    const double share = last ? 1 : std::min(1.0, part.weight / left);
    shares_.push_back(static_cast<uint64_t>(std::llround(share * kUnit)));
    left -= part.weight;
    const double rows = static_cast<double>(part.rows->rows_per_epoch()) * all / part.weight;
    rows_per_epoch_ = std::max(rows_per_epoch_, static_cast<int64_t>(std::min(rows, 9e15)) + 1);
  }
}

std::vector<int64_t> MixedDataset::drawn(int64_t n) const {
  std::vector<int64_t> counts;
  for (const uint64_t share : shares_) {
    counts.push_back(taken(n, share));
    n -= counts.back();
  }
  return counts;
}

Batch MixedDataset::batch(int64_t first, int64_t rows) const {
  if (first < 0 || rows < 0) {
    throw std::invalid_argument("MixedDataset::batch: expected rows from 0 on, found first " +
                                std::to_string(first) + ", rows " + std::to_string(rows));
  }
  const auto before = drawn(first), after = drawn(first + rows);
  std::vector<Batch> from;  // each part's rows of this batch, in order
  bool divided = false, prefixed = false, padded = false;
  Batch batch;
  for (size_t i = 0; i < parts_.size(); ++i) {
    from.push_back(parts_[i].rows->batch(before[i], after[i] - before[i]));
    divided = divided || !from.back().segments.empty();
    prefixed = prefixed || !from.back().prefix.empty();
    padded = padded || !from.back().valid.empty();
    batch.target_tokens += from.back().target_tokens;
  }
  batch.rows = rows;
  batch.length = from.front().length;
  const auto size = static_cast<size_t>(rows * batch.length);
  batch.tokens.resize(size);
  batch.targets.resize(size);
  if (divided) {
    batch.segments.resize(size);
    batch.positions.resize(size);
  }
  if (prefixed) batch.prefix.assign(size, 0);
  if (padded) batch.valid.assign(size, 1);
  auto done = before;
  for (int64_t row = 0; row < rows; ++row) {
    const auto counts = drawn(first + row + 1);
    size_t i = 0;
    while (counts[i] == done[i]) ++i;
    copy_row(from[i], done[i] - before[i], batch, row);
    done[i] = counts[i];
  }
  return batch;
}

}  // namespace moe
