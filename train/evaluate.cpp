#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "train/context.h"
#include "train/shared_text.h"

namespace moe {
namespace {

struct Sum {
  double loss = 0;
  double target_tokens = 0;
};

// Of the first `wanted` rows.
Sum sum_over(Model& model, const Dataset& data, int64_t wanted, int64_t rows, at::Device device,
             double progress, const Mesh& mesh) {
  double target_tokens = 0;
  SharedText text(data, mesh);
  auto sum = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device));
  for (int64_t row = 0; row < wanted; row += rows) {
    const int64_t all = std::min(rows, wanted - row);
    const auto mine = span_of(all, mesh.rank(), mesh.ranks());
    const auto batch = text.batch(row + mine.begin, mine.size());
    auto context = make_context(batch, device);
    context.progress = progress;
    context.world_tokens = all * batch.length;
    context.tokens_before = mine.begin * batch.length;
    const auto out = model.decoder->forward(context);
    sum = sum + cross_entropy_sum(out.logits, make_targets(batch, device)).to(at::kDouble);
    target_tokens += static_cast<double>(batch.target_tokens);
  }
  text.throw_together(*mesh.control);
  const auto both = at::stack({sum, at::full({}, target_tokens, sum.options())});
  mesh.world->sum(both, "the validation loss").wait();
  return {both[0].item<double>(), both[1].item<double>()};
}

}  // namespace

std::string Evaluation::text() const {
  char figures[96];
  std::snprintf(figures, sizeof figures, "validation loss %.4f, %.4f bits per byte", loss,
                bits_per_byte());
  std::string line = figures;
  for (const auto& [name, its_loss] : sources) {
    std::snprintf(figures, sizeof figures, " %.4f", its_loss);
    line += (&name == &sources.front().first ? "; " : ", ") + name + figures;
  }
  return line;
}

double Evaluation::bits_per_byte() const { return loss / std::numbers::ln2; }

Evaluation evaluate(Model& model, const std::vector<ValidationRows>& sources, int64_t tokens,
                    int64_t rows, int64_t length, at::Device device, double progress, const Mesh& mesh) {
  at::NoGradGuard no_grad;
  Evaluation result;
  for (const auto& source : sources) {
    const double part = static_cast<double>(tokens) * source.share;
    const auto wanted = static_cast<int64_t>(std::ceil(part / static_cast<double>(length)));
    const auto sum = sum_over(model, *source.rows, std::min(wanted, source.rows->rows_per_epoch()),
                              rows, device, progress, mesh);
    const double loss = sum.loss / sum.target_tokens;
    result.loss += source.share * loss;
    result.target_tokens += sum.target_tokens;
    if (!source.name.empty()) result.sources.emplace_back(source.name, loss);
  }
  return result;
}

}  // namespace moe
