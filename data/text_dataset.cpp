#include "data/text_dataset.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "data/permutation.h"

namespace moe {

std::shared_ptr<const TextDataset> TextDataset::for_training(const std::vector<TextRun>& runs,
                                                             int64_t length, uint64_t seed,
                                                             std::shared_ptr<const void> owner) {
  return std::shared_ptr<const TextDataset>(
      new TextDataset(runs, length, true, seed, std::move(owner)));
}

std::shared_ptr<const TextDataset> TextDataset::for_validation(const std::vector<TextRun>& runs,
                                                               int64_t length,
                                                               std::shared_ptr<const void> owner) {
  return std::shared_ptr<const TextDataset>(
      new TextDataset(runs, length, false, 0, std::move(owner)));
}

TextDataset::TextDataset(const std::vector<TextRun>& runs, int64_t length, bool training,
                         uint64_t seed, std::shared_ptr<const void> owner)
    : length_(length), training_(training), seed_(seed), owner_(std::move(owner)) {
  for (const auto& run : runs) {
    if (run.bytes < length + 1) continue;
    Cuts cuts;
    cuts.run = run;
    cuts.first_window = windows_;
    // Training gives up a window of a run where that frees a whole window's width for the offset.
    cuts.windows =
        training ? std::max<int64_t>(1, (run.bytes - length) / length) : (run.bytes - 1) / length;
    cuts.slack = training ? run.bytes - 1 - cuts.windows * length : 0;
    windows_ += cuts.windows;
    runs_.push_back(cuts);
  }
  if (length < 1 || windows_ == 0) {
    throw std::invalid_argument("TextDataset: expected a run of at least " +
                                std::to_string(length + 1) + " bytes, found none");
  }
}

const uint8_t* TextDataset::window(int64_t index, uint64_t epoch_key) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), index,
                       [](int64_t i, const Cuts& cuts) { return i < cuts.first_window; });
  const Cuts& cuts = *(after - 1);
  int64_t offset = 0;
  if (training_) {
    const auto run_key = mix_bits(epoch_key, static_cast<uint64_t>(cuts.first_window));
    offset = static_cast<int64_t>(run_key % (static_cast<uint64_t>(cuts.slack) + 1));
  }
  return cuts.run.data + offset + (index - cuts.first_window) * length_;
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
  int64_t epoch = -1;
  uint64_t key = 0;
  std::optional<Permutation> order;
  for (int64_t row = 0; row < rows; ++row) {
    if (const int64_t of = (first + row) / windows_; of != epoch) {
      epoch = of;
      key = training_ ? mix_bits(seed_, static_cast<uint64_t>(epoch)) : 0;
      order.emplace(windows_, key);
    }
    const uint8_t* text = window((*order)((first + row) % windows_), key);
    std::copy_n(text, length_, batch.tokens.begin() + row * length_);
    std::copy_n(text + 1, length_, batch.targets.begin() + row * length_);
  }
  return batch;
}

}  // namespace moe
