#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <set>

#include "moe/moe_layer.h"
#include "train/context.h"
#include "train/shared_text.h"
#include "train/sum_together.h"

namespace moe {
namespace {

struct Sum {
  double loss = 0;
  double target_tokens = 0;
  std::map<int64_t, GateStats> gates;  // by layer
};

// Of the first `wanted` rows.
Sum sum_over(Model& model, const Dataset& data, int64_t wanted, int64_t rows, at::Device device,
             double progress, const Mesh& mesh) {
  double target_tokens = 0;
  std::map<int64_t, GateStats> gates;
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
    for (const auto& report : out.reports) {
      if (const auto* moe = dynamic_cast<const MoeReport*>(report.get())) {
        gates[moe->layer] += moe->stats;
      }
    }
    target_tokens += static_cast<double>(batch.target_tokens);
  }
  text.throw_together(*mesh.control);
  auto targets = at::full({}, target_tokens, sum.options());
  std::vector<Tensor*> all = {&sum, &targets};
  for (auto& [layer, stats] : gates) {
    const auto more = summed_tensors(stats);
    all.insert(all.end(), more.begin(), more.end());
  }
  sum_together(*mesh.world, all, "the validation loss");
  return {sum.item<double>(), targets.item<double>(), std::move(gates)};
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

double Evaluation::bits_per_byte() const { return causal / std::numbers::ln2; }

Evaluation evaluate(Model& model, const std::vector<ValidationRows>& sources, int64_t tokens,
                    int64_t rows, int64_t length, at::Device device, double progress, const Mesh& mesh) {
  at::NoGradGuard no_grad;
  Evaluation result;
  std::set<std::string> denoisers;
  for (const auto& source : sources) {
    if (source.objective != "causal") denoisers.insert(source.objective);
  }
  std::vector<std::pair<std::string, double>> losses;       // by objective, in order
  std::map<std::string, std::map<int64_t, GateStats>> gates;
  double expected_loss = 0, expected_targets = 0;           // of a training row
  for (const auto& source : sources) {
    const bool causal = source.objective == "causal";
    const double part = static_cast<double>(tokens) * source.share / (causal ? 1.0 : static_cast<double>(denoisers.size()));
    const auto wanted = std::min(static_cast<int64_t>(std::ceil(part / static_cast<double>(length))),
                                 source.rows->rows_per_epoch());
    const auto sum = sum_over(model, *source.rows, wanted, rows, device, progress, mesh);
    const double loss = sum.loss / sum.target_tokens;
    auto at = std::find_if(losses.begin(), losses.end(), [&](const auto& of) { return of.first == source.objective; });
    if (at == losses.end()) at = losses.insert(losses.end(), {source.objective, 0});
    at->second += source.share * loss;
    const double rows_like_it = source.weight * source.share / static_cast<double>(wanted);
    expected_loss += rows_like_it * sum.loss;
    expected_targets += rows_like_it * sum.target_tokens;
    if (causal) {
      result.causal += source.share * loss;
      if (!source.name.empty()) result.sources.emplace_back(source.name, loss);
    }
    result.target_tokens += sum.target_tokens;
    for (const auto& [layer, stats] : sum.gates) {
      gates[source.objective][layer] += stats;
    }
  }
  for (const auto& [objective, layers] : gates) {
    for (const auto& [layer, stats] : layers) {
      result.loads[objective].emplace(layer, load_metrics(stats));
    }
  }
  result.objectives = std::move(losses);
  result.loss = denoisers.empty() ? result.causal : expected_loss / expected_targets;
  return result;
}

}  // namespace moe
