#include "train/step_batches.h"

#include <algorithm>
#include <array>

#include "data/attention_pairs.h"
#include "layers/torch.h"
#include "train/shared_text.h"

namespace moe {
namespace {

StepAmounts amounts_of(const Batch& batch) {
  const auto padding = std::count(batch.valid.begin(), batch.valid.end(), 0);
  const auto positions = static_cast<int64_t>(batch.tokens.size());
  return {static_cast<double>(batch.target_tokens), static_cast<double>(positions - padding),
          static_cast<double>(positions), static_cast<double>(allowed_pairs(batch)),
          static_cast<double>(executed_pairs(batch))};
}

constexpr std::array kAmounts = {&StepAmounts::target_tokens, &StepAmounts::tokens, &StepAmounts::positions,
                                 &StepAmounts::allowed_pairs, &StepAmounts::executed_pairs};

}  // namespace

StepAmounts& StepAmounts::operator+=(const StepAmounts& other) {
  for (const auto amount : kAmounts) {
    this->*amount += other.*amount;
  }
  return *this;
}

std::vector<MicroBatch> read_micro_batches(const Dataset& data, const Mesh& mesh, int64_t first_row, int64_t rows,
                                           int64_t micro_steps, StepAmounts& amounts) {
  std::vector<MicroBatch> batches;
  const auto mine = span_of(rows, mesh.rank(), mesh.ranks());
  SharedText text(data, mesh);
  for (int64_t micro = 0; micro < micro_steps; ++micro) {
    const int64_t first = first_row + micro * rows;
    batches.push_back({text.batch(first + mine.begin, mine.size()), first, rows});
    amounts += amounts_of(batches.back().batch);
  }
  if (!mesh.alone()) {
    std::vector<double> values = {text.failed() ? 1.0 : 0.0};
    for (const auto amount : kAmounts) {
      values.push_back(amounts.*amount);
    }
    const auto total = at::tensor(values, at::kDouble);
    mesh.control->sum(total, "the number of target tokens").wait();
    for (size_t i = 0; i < kAmounts.size(); ++i) {
      amounts.*kAmounts[i] = total[static_cast<int64_t>(i) + 1].item<double>();
    }
    if (total[0].item<double>() > 0) {
      text.throw_together(*mesh.control);
    }
  }
  return batches;
}

}  // namespace moe
