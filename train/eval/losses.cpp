#include "train/eval/losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "train/compare/statistics.h"
#include "train/evaluate.h"

namespace moe {
namespace {

constexpr int64_t kFewestStretches = 64;
// Of a stretch at most. Not the checkpoint's micro-step: the items of two checkpoints must be of the same rows.
constexpr int64_t kTokensInStretch = 4096;

// Rows [first, first + count) of a dataset, as one of its own.
class RowsFrom : public Dataset {
 public:
  RowsFrom(std::shared_ptr<const Dataset> rows, int64_t first, int64_t count)
      : rows_(std::move(rows)), first_(first), count_(count) {}
  Batch batch(int64_t first, int64_t rows) const override { return rows_->batch(first_ + first, rows); }
  int64_t rows_per_epoch() const override { return count_; }

 private:
  std::shared_ptr<const Dataset> rows_;
  int64_t first_, count_;
};

// Loads of stretches, of one layer, added up. Tokens that were routed follow from slots and slots per token.
class LoadSum {
 public:
  void add(const LoadMetrics& load) {
    double slots = 0;
    tokens_per_expert_.resize(load.tokens_per_expert.size());
    for (size_t e = 0; e < tokens_per_expert_.size(); ++e) {
      tokens_per_expert_[e] += load.tokens_per_expert[e];
      slots += load.tokens_per_expert[e];
    }
    slots_ += slots;
    tokens_ += load.slots_per_token > 0 ? slots / load.slots_per_token : 0;
    dropped_ += slots * load.dropped;
  }
  LoadMetrics total() const {
    LoadMetrics load;
    load.tokens_per_expert = tokens_per_expert_;
    load.max_vio = max_violation(tokens_per_expert_);
    load.load_cv = load_variation(tokens_per_expert_);
    load.dead_experts = std::count(tokens_per_expert_.begin(), tokens_per_expert_.end(), 0.0);
    load.slots_per_token = tokens_ > 0 ? slots_ / tokens_ : 0;
    load.dropped = slots_ > 0 ? dropped_ / slots_ : 0;
    return load;
  }

 private:
  std::vector<double> tokens_per_expert_;
  double slots_ = 0, tokens_ = 0, dropped_ = 0;
};

// A ratio of sums over stretches, of one source.
struct SourceLoss {
  double share = 1;
  std::vector<double> losses, targets;

  double value() const {
    double loss = 0, all = 0;
    for (size_t i = 0; i < losses.size(); ++i) {
      loss += losses[i] * targets[i];
      all += targets[i];
    }
    return loss / all;
  }
  // What each stretch adds to share * value, times `items`: the mean over so many items, of which these are some.
  void append_terms(double items, std::vector<double>& terms) const {
    const double all = std::accumulate(targets.begin(), targets.end(), 0.0);
    for (size_t i = 0; i < losses.size(); ++i) terms.push_back(items * share * losses[i] * targets[i] / all);
  }
  // Of the value, from what each stretch adds to the difference (the linearised ratio estimator: Cochran, Sampling
  // Techniques, 1977, section 2.11).
  double variance() const {
    const double of_all = value(), mean_targets = mean(targets);
    std::vector<double> terms;
    for (size_t i = 0; i < losses.size(); ++i) terms.push_back(targets[i] * (losses[i] - of_all) / mean_targets);
    const double deviation = standard_deviation(terms);  // NaN for a single stretch
    return deviation * deviation / static_cast<double>(terms.size());
  }
};

struct ObjectiveSum {
  std::string objective;
  std::vector<SourceLoss> sources;
  std::map<int64_t, LoadSum> load;
};

void read_stretches(Subject& subject, const ValidationRows& rows, int64_t tokens, ObjectiveSum& sum) {
  const int64_t length = subject.config.model.context;
  const auto share = static_cast<int64_t>(
      std::ceil(static_cast<double>(tokens) * rows.share / static_cast<double>(length)));
  const int64_t wanted = std::min(std::max<int64_t>(1, share), rows.rows->rows_per_epoch());
  const int64_t stretch = std::clamp<int64_t>(wanted / kFewestStretches, 1,
                                                 std::max<int64_t>(1, kTokensInStretch / length));
  SourceLoss& source = sum.sources.emplace_back();
  source.share = rows.share;
  for (int64_t row = 0; row < wanted; row += stretch) {
    const int64_t count = std::min(stretch, wanted - row);
    ValidationRows part;
    part.objective = rows.objective;
    part.rows = std::make_shared<const RowsFrom>(rows.rows, row, count);
    const auto read = evaluate(subject.model, {part}, count * length, count, length, subject.device, subject.progress);
    if (read.target_tokens == 0) continue;  // text too short for this denoiser
    source.losses.push_back(read.objectives.front().second);
    source.targets.push_back(read.target_tokens);
    for (const auto& [objective, layers] : read.loads) {
      for (const auto& [layer, load] : layers) sum.load[layer].add(load);
    }
  }
}

ObjectiveLoss loss_of(const ObjectiveSum& sum) {
  ObjectiveLoss loss;
  loss.objective = sum.objective;
  loss.score.metric = "nats per target token";
  loss.score.higher_is_better = false;
  double variance = 0;
  size_t items = 0;
  for (const auto& source : sum.sources) {
    items += source.losses.size();
  }
  for (const auto& source : sum.sources) {
    loss.score.value += source.share * source.value();
    variance += source.share * source.share * source.variance();
    // A stretch of a source counts by its share, not by how many stretches were read of it.
    source.append_terms(static_cast<double>(items), loss.score.items);
  }
  if (std::isfinite(variance)) loss.score.standard_error = std::sqrt(variance);
  for (const auto& [layer, load] : sum.load) loss.load.emplace(layer, load.total());
  return loss;
}

}  // namespace

std::vector<ObjectiveLoss> objective_losses(Subject& subject, const std::vector<ValidationRows>& rows, int64_t tokens) {
  use_threads_for_rows(subject);
  std::vector<ObjectiveSum> sums;
  for (const auto& each : rows) {
    auto at = std::find_if(sums.begin(), sums.end(), [&](const auto& sum) { return sum.objective == each.objective; });
    if (at == sums.end()) {
      sums.push_back({each.objective, {}, {}});
      at = sums.end() - 1;
    }
    read_stretches(subject, each, tokens, *at);
  }
  std::vector<ObjectiveLoss> losses;
  for (const auto& sum : sums) losses.push_back(loss_of(sum));
  return losses;
}

}  // namespace moe
