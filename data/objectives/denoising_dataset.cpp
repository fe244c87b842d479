#include "data/objectives/denoising_dataset.h"

#include <algorithm>
#include <utility>

namespace moe {
namespace {

// Feeds all ids of an example but its last from place `at` of the batch on; every id after the inputs is scored.
void place_example(const Example& example, size_t at, int64_t segment, Batch& batch) {
  const auto fed = static_cast<int64_t>(example.ids.size()) - 1;
  for (int64_t i = 0; i < fed; ++i, ++at) {
    const auto next = static_cast<size_t>(i + 1);
    batch.tokens[at] = example.ids[next - 1];
    batch.targets[at] = i + 1 >= example.inputs ? example.ids[next] : Batch::kNoTarget;
    batch.positions[at] = i;
    batch.segments[at] = segment;
    batch.prefix[at] = i < example.inputs ? 1 : 0;
    batch.valid[at] = 1;
  }
  batch.target_tokens += fed + 1 - example.inputs;
}

}  // namespace

DenoisingDataset::DenoisingDataset(std::shared_ptr<const Dataset> text, const Denoiser& denoiser, int64_t end_id,
                                   int64_t length, uint64_t seed)
    : text_(std::move(text)), denoiser_(denoiser), end_id_(end_id), length_(length), seed_(seed) {}

Batch DenoisingDataset::batch(int64_t first, int64_t rows) const {
  const auto text = text_->batch(first, rows);
  const auto size = static_cast<size_t>(rows * length_);
  Batch batch;
  batch.rows = rows;
  batch.length = length_;
  batch.tokens.assign(size, end_id_);
  batch.targets.assign(size, Batch::kNoTarget);
  batch.positions.assign(size, 0);
  batch.segments.assign(size, 0);
  batch.prefix.assign(size, 0);
  batch.valid.assign(size, 0);
  for (int64_t row = 0; row < rows; ++row) {
    Draws draws(mix_bits(seed_, static_cast<uint64_t>(first + row)));
    fill_row(text, row, draws, batch);
  }
  if (std::all_of(batch.valid.begin(), batch.valid.end(), [](uint8_t valid) { return valid == 1; })) {
    batch.valid.clear();
  }
  return batch;
}

void DenoisingDataset::fill_row(const Batch& text, int64_t row, Draws& draws, Batch& batch) const {
  const int64_t* tokens = text.tokens.data() + row * text.length;
  const int64_t* documents = text.segments.empty() ? nullptr : text.segments.data() + row * text.length;
  int64_t filled = 0, segment = 0;
  for (int64_t begin = 0, end; begin < text.length; begin = end) {
    end = text.length;
    if (documents != nullptr) {
      end = std::upper_bound(documents + begin, documents + text.length, documents[begin]) - documents;
    }
    const int64_t fits = std::min(end - begin, denoiser_.longest_text(length_ - filled + 1));
    if (fits < 2) continue;  // nothing to split
    const auto example = denoiser_.example(tokens + begin, fits, draws);
    place_example(example, static_cast<size_t>(row * length_ + filled), segment++, batch);
    filled += static_cast<int64_t>(example.ids.size()) - 1;
  }
  for (int64_t i = filled; i < length_; ++i) {  // padding sees nothing else
    batch.segments[static_cast<size_t>(row * length_ + i)] = segment;
  }
}

}  // namespace moe
