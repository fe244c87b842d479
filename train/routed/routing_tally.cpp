#include "train/routed/routing_tally.h"

#include "train/routed/chosen.h"
#include "train/routed/token_classes.h"

namespace moe {
namespace {

constexpr int64_t kClasses = static_cast<int64_t>(kByteClasses.size());

Tensor zeros(at::IntArrayRef shape) { return at::zeros(shape, at::kDouble); }

std::vector<double> list_of(const Tensor& values) {
  const auto flat = values.contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

std::vector<std::vector<double>> rows_of(const Tensor& matrix) {
  std::vector<std::vector<double>> rows;
  for (int64_t i = 0; i < matrix.size(0); ++i) rows.push_back(list_of(matrix[i]));
  return rows;
}

// Counts of 0 and 1 are whole numbers in float32 up to 2^24, more than a batch has.
Tensor counted(const Tensor& sums) { return sums.to(at::kCPU, at::kDouble); }

ExpertPair closest_pair(const RoutingFigures& figures) {
  ExpertPair found;
  const auto& share = figures.coactivation;
  const auto few = [&](size_t expert) {
    return figures.chosen[expert] < Specialisation::kFewest;
  };
  for (size_t i = 0; i < share.size(); ++i) {
    for (size_t j = 0; j < share.size(); ++j) {
      if (i != j && !few(i) && !few(j) && share[i][j] > found.share) {
        found = {static_cast<int64_t>(i), static_cast<int64_t>(j), share[i][j]};
      }
    }
  }
  return found;
}

}  // namespace

RoutingTally::RoutingTally(int64_t experts, std::vector<std::string> sources)
    : experts_(experts),
      sources_(std::move(sources)),
      mass_(zeros({experts})),
      scalars_(zeros({3})),
      pairs_(experts <= kMostPaired ? zeros({experts, experts}) : Tensor()),
      chosen_(zeros({experts})),
      class_slots_(zeros({kClasses, experts})),
      class_tokens_(zeros({kClasses})),
      source_slots_(zeros({static_cast<int64_t>(sources_.size()), experts})),
      source_tokens_(zeros({static_cast<int64_t>(sources_.size())})) {}

void RoutingTally::add(const KeptRouting& routing, const Tensor& token_class, size_t source,
                       const Tensor& valid) {
  at::NoGradGuard no_grad;
  auto chosen = chosen_experts(routing, experts_);  // [T, E]
  const auto text =
      valid.defined() ? valid.to(at::kFloat) : at::ones({chosen.size(0)}, chosen.options());  // [T]
  chosen = chosen * text.unsqueeze(1);

  const auto all = routing.distribution * text.unsqueeze(1);                     // [T, E]
  const auto total = all.sum(1, /*keepdim=*/true);                               // [T, 1]
  const auto p = all / total.clamp_min(1e-30);                                   // [T, E]
  mass_ += p.sum(0, false, at::kDouble).cpu();
  const auto has = (total.squeeze(1) != 0).to(at::kDouble);                      // [T], NaN has one too
  const auto entropy = -at::xlogy(p, p).sum(1, false, at::kDouble);              // [T]
  const auto best = std::get<0>(p.topk(std::min<int64_t>(2, experts_), 1));      // [T, 2]
  const auto margin = experts_ > 1 ? best.select(1, 0) - best.select(1, 1) : best.select(1, 0);
  scalars_ += at::stack({has.sum(), entropy.sum(), margin.sum(at::kDouble)}).cpu();

  if (pairs_.defined()) pairs_ += counted(chosen.t().matmul(chosen));
  chosen_ += counted(chosen.sum(0));
  const auto classes = at::one_hot(token_class, kClasses).to(at::kFloat) * text.unsqueeze(1);  // [T, C]
  class_slots_ += counted(classes.t().matmul(chosen));
  class_tokens_ += counted(classes.sum(0));
  if (!sources_.empty()) {
    const auto place = static_cast<int64_t>(source);
    source_slots_[place] += counted(chosen.sum(0));
    source_tokens_[place] += counted(text.sum(0));
  }
}

RoutingFigures RoutingTally::figures() const {
  RoutingFigures figures;
  const auto scalars = list_of(scalars_);
  const double tokens = scalars[0];
  figures.has_p = tokens > 0;
  if (figures.has_p) {
    const auto mean = mass_ / tokens;  // [E]
    figures.marginal_entropy = -at::xlogy(mean, mean).sum().item<double>();
    figures.mutual_information = figures.marginal_entropy - scalars[1] / tokens;
    figures.margin = scalars[2] / tokens;
  }
  if (pairs_.defined()) {
    figures.coactivation = rows_of(pairs_ / chosen_.clamp_min(1).unsqueeze(1));
  }
  figures.chosen = list_of(chosen_);
  figures.closest = closest_pair(figures);
  figures.by_class = {{kByteClasses.begin(), kByteClasses.end()},
                      list_of(class_tokens_), rows_of(class_slots_)};
  figures.by_source = {sources_, list_of(source_tokens_), rows_of(source_slots_)};
  return figures;
}

}  // namespace moe
