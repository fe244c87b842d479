#include "train/evaluate.h"

#include <cmath>
#include <numbers>

#include "train/context.h"

namespace moe {

double Evaluation::bits_per_byte() const { return loss / std::numbers::ln2; }

Evaluation evaluate(Model& model, const Dataset& data, int64_t tokens, int64_t rows, int64_t length,
                    at::Device device) {
  at::NoGradGuard no_grad;
  Evaluation result;
  auto sum = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device));
  const int64_t wanted = std::min((tokens + length - 1) / length, data.rows_per_epoch());
  for (int64_t row = 0; row < wanted; row += rows) {
    const auto batch = data.batch(row, std::min(rows, wanted - row));
    auto context = make_context(batch, device);
    context.progress = 1;
    const auto out = model.decoder->forward(context);
    sum = sum + cross_entropy_sum(out.logits, make_targets(batch, device)).to(at::kDouble);
    result.target_tokens += static_cast<double>(batch.target_tokens);
  }
  result.loss = sum.item<double>() / result.target_tokens;
  return result;
}

}  // namespace moe
