#include "data/text_dataset.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "data/byte_tokenizer.h"
#include "data/permutation.h"

namespace moe {

std::shared_ptr<const TextDataset> TextDataset::for_training(const std::vector<TextRun>& runs,
                                                             int64_t length, uint64_t seed,
                                                             std::shared_ptr<const void> owner,
                                                             const Documents& documents) {
  return std::shared_ptr<const TextDataset>(
      new TextDataset(runs, length, true, seed, std::move(owner), documents));
}

std::shared_ptr<const TextDataset> TextDataset::for_validation(const std::vector<TextRun>& runs,
                                                               int64_t length,
                                                               std::shared_ptr<const void> owner,
                                                               const Documents& documents) {
  return std::shared_ptr<const TextDataset>(
      new TextDataset(runs, length, false, 0, std::move(owner), documents));
}

TextDataset::TextDataset(const std::vector<TextRun>& runs, int64_t length, bool training,
                         uint64_t seed, std::shared_ptr<const void> owner,
                         const Documents& documents)
    : length_(length),
      training_(training),
      seed_(seed),
      owner_(std::move(owner)),
      documents_(documents) {
  if (length < 1) {
    throw std::invalid_argument("TextDataset: expected rows of at least one token, found " + std::to_string(length));
  }
  for (const auto& run : runs) {
    if (run.bytes() < length + 1) continue;
    Cuts cuts;
    cuts.run = run;
    cuts.first_window = windows_;
    // Training gives up a window of a run where that frees a whole window's width for the offset.
    cuts.windows = training ? std::max<int64_t>(1, (run.bytes() - length) / length)
                            : (run.bytes() - 1) / length;
    cuts.slack = training ? run.bytes() - 1 - cuts.windows * length : 0;
    windows_ += cuts.windows;
    runs_.push_back(cuts);
  }
  if (windows_ == 0) {
    throw std::invalid_argument("TextDataset: expected a run of at least " +
                                std::to_string(length + 1) + " bytes, found none");
  }
}

void TextDataset::fill_row(int64_t index, uint64_t epoch_key, int64_t row, Batch& batch) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), index,
                       [](int64_t i, const Cuts& cuts) { return i < cuts.first_window; });
  const Cuts& cuts = *(after - 1);
  int64_t offset = 0;
  if (training_) {
    const auto run_key = mix_bits(epoch_key, static_cast<uint64_t>(cuts.first_window));
    offset = static_cast<int64_t>(run_key % (static_cast<uint64_t>(cuts.slack) + 1));
  }
  const int64_t begin = offset + (index - cuts.first_window) * length_;
  const std::string text = cuts.run.read(begin, length_ + 1);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  std::copy_n(bytes, length_, batch.tokens.begin() + row * length_);
  std::copy_n(bytes + 1, length_, batch.targets.begin() + row * length_);
  if (documents_.divide) divide_row(cuts.run, begin, row, batch);
}

void TextDataset::divide_row(const TextRun& run, int64_t begin, int64_t row, Batch& batch) const {
  auto ends = document_ends(run, begin, begin + length_, documents_.separator);
  for (const int64_t end : ends) {
    batch.targets[static_cast<size_t>(row * length_ + end - 1)] = ByteTokenizer::kEnd;
  }
  ends.push_back(length_);
  int64_t place = 0;
  for (size_t segment = 0; segment < ends.size(); ++segment) {
    for (int64_t position = 0; place < ends[segment]; ++place, ++position) {
      const auto at = static_cast<size_t>(row * length_ + place);
      batch.segments[at] = static_cast<int64_t>(segment);
      batch.positions[at] = position;
    }
  }
}

Batch TextDataset::batch(int64_t first, int64_t rows) const {
  if (first < 0 || rows < 0) {
    throw std::invalid_argument("TextDataset::batch: expected rows from 0 on, found first " +
                                std::to_string(first) + ", rows " + std::to_string(rows));
  }
  Batch batch;
  batch.rows = rows;
  batch.length = length_;
  batch.tokens.resize(static_cast<size_t>(rows * length_));
  batch.targets.resize(static_cast<size_t>(rows * length_));
  batch.target_tokens = rows * length_;
  if (documents_.divide) {
    batch.segments.resize(batch.tokens.size());
    batch.positions.resize(batch.tokens.size());
  }
  int64_t epoch = -1;
  uint64_t key = 0;
  std::optional<Permutation> order;
  for (int64_t row = 0; row < rows; ++row) {
    if (const int64_t of = (first + row) / windows_; of != epoch) {
      epoch = of;
      key = training_ ? mix_bits(seed_, static_cast<uint64_t>(epoch)) : 0;
      order.emplace(windows_, key);
    }
    fill_row((*order)((first + row) % windows_), key, row, batch);
  }
  const bool whole = std::all_of(batch.segments.begin(), batch.segments.end(),
                                 [](int64_t segment) { return segment == 0; });
  if (whole) {
    batch.segments.clear();
    batch.positions.clear();
  }
  return batch;
}

}  // namespace moe
